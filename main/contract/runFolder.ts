/**
 * A run is a folder. The training process writes everything in it except config.json, dataset.json and commands.jsonl,
 * which the supervisor writes before and while it runs.
 */
export const runFolder = {
  /** RunConfig, complete, written once per start */
  config: 'config.json',
  /** what only the app knows of it: its name, notes, state; not there for a run of the command line */
  about: 'run.json',
  /** DatasetManifest: pictures, captions and sizes, frozen at the first start */
  dataset: 'dataset.json',
  /** manifests of the data sets that were chosen by their number, frozen when the run was prepared */
  chosenData: 'chosen-data.json',
  chosenPriorData: 'prior-data.json',
  /** append-only journal of TrainerEvent, one JSON object a line, numbered from 1 without gaps across resumes */
  events: 'events.jsonl',
  /**
   * commands for the training process, one TrainerCommand a line with a growing number `c`. The same commands come over
   * IPC while there is a parent; a process whose parent is gone reads the new lines between steps.
   */
  commands: 'commands.jsonl',
  /** the training process that has this folder: its number, a space, when it started (nothing where the system does not tell) */
  lock: 'run.lock',
  checkpoints: 'checkpoints',
  samples: 'samples',
  exports: 'exports',
  /** stdout and stderr of the training process */
  log: 'log.txt',
} as const;
