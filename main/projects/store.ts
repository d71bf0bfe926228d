/** Projects: the table and the contract's methods on it. */
import type { Emit } from '../contract/emit.ts';
import { AppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import type { Project, projectMethods } from '../contract/projects.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import { newId } from '../files/newId.ts';

const SELECT = 'SELECT p.*, (SELECT count(*) FROM runs r WHERE r.project_id = p.id) AS runs FROM projects p';

/** The handlers of projects.*; makes the first project in an empty database. */
export function createProjects(db: Db, emit: Emit): Handlers<typeof projectMethods> {
  const sql = statements(db);
  const get = (id: string): Project => {
    const row = sql(`${SELECT} WHERE p.id = ?`).get(id) as Project | undefined;
    if (!row) throw new AppError('project.not_found', `There is no project ${id}.`, 'Reload the page and choose another.', { id });
    return row;
  };
  const insert = (name: string, notes: string): Project => {
    const id = newId('prj');
    sql('INSERT INTO projects (id, name, notes, created_at) VALUES (?, ?, ?, ?)').run(id, name, notes, Date.now());
    return get(id);
  };
  const isEmpty = (): boolean => (sql('SELECT count(*) AS n FROM projects').get() as { n: number }).n === 0;
  if (isEmpty()) insert('My first project', '');
  return {
    'projects.list': () => sql(`${SELECT} ORDER BY p.created_at DESC, p.rowid DESC`).all() as Project[],
    'projects.create': ({ name, notes }) => {
      const project = insert(name, notes);
      emit('projects.changed', {});
      return project;
    },
    'projects.update': ({ id, name, notes }) => {
      const old = get(id);
      sql('UPDATE projects SET name = ?, notes = ? WHERE id = ?').run(name ?? old.name, notes ?? old.notes, id);
      emit('projects.changed', {});
      return get(id);
    },
    'projects.delete': ({ id }) => {
      const project = get(id);
      if (project.runs > 0) throw new AppError('project.not_empty', `"${project.name}" still has ${project.runs} run${project.runs === 1 ? '' : 's'}.`, 'Delete or move its runs first.', { id, runs: project.runs });
      sql('DELETE FROM projects WHERE id = ?').run(id);
      if (isEmpty()) insert('My first project', '');
      emit('projects.changed', {});
      return { ok: true };
    },
  };
}
