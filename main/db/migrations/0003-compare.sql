-- Comparisons: arms of runs, and blind votes on their pictures. Reports and numbers are files in the comparison's folder.
CREATE TABLE comparisons (
  id TEXT PRIMARY KEY, name TEXT NOT NULL,
  -- the configuration that its arms were made from; null: made from runs that existed
  config TEXT, seeds INTEGER NOT NULL DEFAULT 1, created_at REAL NOT NULL
) STRICT;

CREATE TABLE comparison_arms (
  id TEXT PRIMARY KEY, comparison_id TEXT NOT NULL REFERENCES comparisons (id) ON DELETE CASCADE,
  position INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL
) STRICT;
CREATE INDEX comparison_arms_by_comparison ON comparison_arms (comparison_id, position);

-- No reference to runs: a deleted run leaves the arm smaller, not the comparison broken.
CREATE TABLE comparison_runs (
  arm_id TEXT NOT NULL REFERENCES comparison_arms (id) ON DELETE CASCADE,
  run_id TEXT NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (arm_id, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX comparison_runs_by_run ON comparison_runs (run_id);

CREATE TABLE votes (
  id TEXT PRIMARY KEY,
  arm_id TEXT NOT NULL REFERENCES comparison_arms (id) ON DELETE CASCADE,
  -- which pair of pictures: prompt, seed and training seed
  pair TEXT NOT NULL, prompt TEXT NOT NULL,
  baseline_file TEXT NOT NULL, arm_file TEXT NOT NULL,
  baseline_left INTEGER NOT NULL,
  choice TEXT, created_at REAL NOT NULL, cast_at REAL
) STRICT;
CREATE UNIQUE INDEX votes_by_pair ON votes (arm_id, pair);
