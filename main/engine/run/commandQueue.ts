/** Commands that wait for the training loop to come by: from IPC or signals, and from commands.jsonl once the parent is gone. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { trainerCommandSchema, type TrainerCommand } from '../../contract/trainerEvent.ts';

export class CommandQueue {
  readonly #waiting: TrainerCommand[] = [];
  #file: string | undefined;
  #read = 0;

  push(command: TrainerCommand): void { this.#waiting.push(command); }

  /** Reads commands from this file too; what stands in it already is an earlier process's. */
  follow(file: string): void {
    this.#file = file;
    this.#read = existsSync(file) ? statSync(file).size : 0;
  }

  /** Lets messages and signals in: steps that compute one after the other and wait for no file leave Node no turn to read them. */
  listen(): Promise<void> { return turn(); }

  /** All commands since the last call. */
  take(): TrainerCommand[] {
    this.#readFile();
    return this.#waiting.splice(0);
  }

  /** Whether the run is asked to end: long stages (caching, sampling) look here between pictures. */
  get ending(): boolean {
    this.#readFile();
    return this.#waiting.some((c) => c.type === 'stop' || c.type === 'pause');
  }

  /** New whole lines of the file; a line that is not a command is passed over. */
  #readFile(): void {
    if (!this.#file || !existsSync(this.#file)) return;
    const size = statSync(this.#file).size;
    if (size <= this.#read) return;
    const bytes = Buffer.alloc(size - this.#read), fd = openSync(this.#file, 'r');
    try { readSync(fd, bytes, 0, bytes.length, this.#read); } finally { closeSync(fd); }
    const end = bytes.lastIndexOf(10) + 1;
    this.#read += end;
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      const parsed = line.trim() ? trainerCommandSchema.safeParse(withoutNumber(line)) : undefined;
      if (parsed?.success) this.#waiting.push(parsed.data);
    }
  }
}

function withoutNumber(line: string): unknown {
  try {
    const { c: _number, ...command } = JSON.parse(line) as Record<string, unknown>;
    return command;
  } catch { return undefined; }
}
