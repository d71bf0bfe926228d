-- Projects, models, runs and what runs leave behind. Everything of a run can be rebuilt from its folder.
CREATE TABLE projects (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, notes TEXT NOT NULL DEFAULT '', created_at REAL NOT NULL
) STRICT;

CREATE TABLE models (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL UNIQUE, info TEXT NOT NULL, sha256 TEXT,
  builtin INTEGER NOT NULL DEFAULT 0, added_at REAL NOT NULL
) STRICT;

CREATE TABLE runs (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL, notes TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL, exit_reason TEXT, error TEXT,
  compared_with TEXT, config TEXT NOT NULL, folder TEXT NOT NULL,
  step INTEGER NOT NULL DEFAULT 0, total_steps INTEGER NOT NULL,
  stage TEXT, eta_s REAL, images_per_s REAL, memory_mb REAL, backend TEXT, device TEXT,
  priority INTEGER NOT NULL DEFAULT 0, queue_order REAL,
  pid INTEGER, pid_started TEXT, heartbeat_at REAL,
  created_at REAL NOT NULL, started_at REAL, ended_at REAL,
  -- how far the journal has been taken in: number of the last event
  last_event INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_by_project ON runs (project_id, created_at);
CREATE INDEX runs_waiting ON runs (priority DESC, queue_order) WHERE queue_order IS NOT NULL;

CREATE TABLE metric_names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE metrics (
  run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric_names (id),
  step INTEGER NOT NULL, value REAL NOT NULL,
  PRIMARY KEY (run, metric, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
  id TEXT PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  step INTEGER NOT NULL, prompt TEXT NOT NULL, negative_prompt TEXT NOT NULL, prompt_index INTEGER NOT NULL, seed INTEGER NOT NULL,
  ema INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, created_at REAL NOT NULL
) STRICT;
CREATE INDEX samples_by_run ON samples (run, step, prompt_index, seed);

CREATE TABLE checkpoints (
  id TEXT PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  step INTEGER NOT NULL, dir TEXT NOT NULL, bytes REAL NOT NULL, sha256 TEXT NOT NULL, present INTEGER NOT NULL DEFAULT 1, created_at REAL NOT NULL
) STRICT;
CREATE INDEX checkpoints_by_run ON checkpoints (run, step);

CREATE TABLE exports (
  id TEXT PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  step INTEGER NOT NULL, file TEXT NOT NULL, format TEXT NOT NULL, bytes REAL NOT NULL, sha256 TEXT NOT NULL, created_at REAL NOT NULL
) STRICT;
CREATE INDEX exports_by_run ON exports (run);

-- The journal's events except steps, whose numbers are in metrics.
CREATE TABLE events (
  run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  n INTEGER NOT NULL, at REAL NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL DEFAULT '',
  done REAL NOT NULL DEFAULT 0, total REAL NOT NULL DEFAULT 0, result TEXT, error TEXT, created_at REAL NOT NULL, ended_at REAL
) STRICT;

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE presets (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL, config TEXT NOT NULL, created_at REAL NOT NULL
) STRICT;
