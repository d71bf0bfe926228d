-- Data sets: pictures referenced where they lie, what was measured on them, and every decision a person made about them.
CREATE TABLE datasets (
  id TEXT PRIMARY KEY, name TEXT NOT NULL,
  -- folder, zip (unpacked into the app's data folder) or files
  source TEXT NOT NULL, origin TEXT NOT NULL,
  -- files are relative to this folder
  root TEXT NOT NULL,
  settings TEXT NOT NULL,
  -- what the last scan passed over, JSON [{file, code, reason}]
  notes TEXT NOT NULL DEFAULT '[]',
  -- caption columns that its metadata files offer, JSON list
  columns TEXT NOT NULL DEFAULT '[]',
  created_at REAL NOT NULL, scanned_at REAL
) STRICT;

CREATE TABLE dataset_items (
  id INTEGER PRIMARY KEY,
  dataset_id TEXT NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  file TEXT NOT NULL,
  -- facts of the file; problem_* are set when it cannot be used at all
  bytes REAL NOT NULL DEFAULT 0, mtime_ms REAL NOT NULL DEFAULT 0, content_hash TEXT,
  format TEXT, width INTEGER, height INTEGER, orientation INTEGER, alpha INTEGER NOT NULL DEFAULT 0, profile TEXT, animated INTEGER NOT NULL DEFAULT 0,
  sharpness REAL, flatness REAL, problem_code TEXT, problem TEXT,
  duplicate_of INTEGER, near_group INTEGER,
  -- captions as read from disk (JSON list of alternatives) and where from; sidecar_hash is of the sidecar's bytes, null: no sidecar
  disk_captions TEXT NOT NULL DEFAULT '[]', caption_source TEXT NOT NULL DEFAULT 'none', sidecar TEXT, sidecar_hash TEXT, caption_note TEXT,
  -- captions found on disk that differ from both disk_captions and the edited ones: a conflict to be settled by the person
  conflict_captions TEXT, conflict_hash TEXT,
  tokens INTEGER,
  -- decisions; every change of these goes through dataset_changes
  captions TEXT NOT NULL DEFAULT '[]',
  excluded INTEGER NOT NULL DEFAULT 0, excluded_reason TEXT,
  repeats INTEGER NOT NULL DEFAULT 1, class_tokens TEXT NOT NULL DEFAULT '', prior INTEGER NOT NULL DEFAULT 0,
  weight REAL NOT NULL DEFAULT 1, flip INTEGER NOT NULL DEFAULT 1, crop TEXT, split TEXT NOT NULL DEFAULT 'train',
  UNIQUE (dataset_id, file)
) STRICT;

-- two 32×32 RGB thumbs (whole picture, trimmed of frames) for comparing pictures
CREATE TABLE dataset_signatures (item_id INTEGER PRIMARY KEY REFERENCES dataset_items (id) ON DELETE CASCADE, thumbs BLOB NOT NULL) STRICT;

CREATE TABLE dataset_edits (
  id INTEGER PRIMARY KEY,
  dataset_id TEXT NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  label TEXT NOT NULL, at REAL NOT NULL, undone INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX dataset_edits_by_dataset ON dataset_edits (dataset_id, id);
CREATE TABLE dataset_changes (
  edit_id INTEGER NOT NULL REFERENCES dataset_edits (id) ON DELETE CASCADE,
  item_id INTEGER NOT NULL REFERENCES dataset_items (id) ON DELETE CASCADE,
  field TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  PRIMARY KEY (edit_id, item_id, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_changes_by_item ON dataset_changes (item_id);

-- validation membership, frozen by content
CREATE TABLE dataset_splits (
  dataset_id TEXT NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  content_hash TEXT NOT NULL, split TEXT NOT NULL,
  PRIMARY KEY (dataset_id, content_hash)
) STRICT, WITHOUT ROWID;

-- bytes of sidecars before the app first wrote over them
CREATE TABLE dataset_sidecar_backups (
  id INTEGER PRIMARY KEY, dataset_id TEXT NOT NULL, path TEXT NOT NULL, bytes BLOB NOT NULL, at REAL NOT NULL
) STRICT;

-- immutable snapshots; `content` is the compressed JSON of every item and decision, `hash` its SHA-256 before compression
CREATE TABLE dataset_versions (
  id TEXT PRIMARY KEY,
  dataset_id TEXT NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  number INTEGER NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, items INTEGER NOT NULL, content BLOB NOT NULL, created_at REAL NOT NULL,
  UNIQUE (dataset_id, number)
) STRICT;
