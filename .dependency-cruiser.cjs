/** The arrows of the design: who may import whom. `npm test` holds them. */
const room = (name) => `^main/${name}/`;
const only = (name, comment, from, allowed) => ({
  name, comment, severity: 'error', from: { path: from },
  to: { path: '^(main|renderer|electron|scripts|tests)/', pathNot: [from, '^main/contract/', ...allowed].map((p) => (p.startsWith('^') ? p : `^${p}`)) },
});
const leaf = room('files');

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'two files that need each other are one concept', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    only('contract', 'the contract imports nothing of ours', room('contract'), []),
    { name: 'contract-libraries', comment: 'the contract imports the schema library only', severity: 'error', from: { path: room('contract') }, to: { dependencyTypes: ['npm', 'npm-dev', 'core'], pathNot: 'node_modules/zod' } },
    only('files', 'files is a leaf', leaf, []),
    only('engine', 'the engine imports the contract, and files', room('engine'), [leaf]),
    only('db', 'the database imports the contract', room('db'), [leaf]),
    only('datasets', 'datasets import db and contract', room('datasets'), [room('db'), leaf]),
    only('compare', 'comparisons import db and contract', room('compare'), [room('db'), leaf]),
    only('models', 'models import db and contract', room('models'), [room('db'), leaf]),
    only('runs', 'runs import db and contract', room('runs'), [room('db'), leaf]),
    only('small-rooms', 'jobs, projects and settings import db and contract', '^main/(jobs|projects|settings)/', [room('db'), leaf]),
    only('trainer', 'the supervisor imports the contract', room('trainer'), [leaf]),
    only('runtime', 'the runtime imports the contract', room('runtime'), [leaf]),
    only('server', 'the server imports services and the contract', room('server'), ['^main/services', room('runtime'), leaf]),
    only('electron', 'the shell imports the contract and finds the core', '^electron/', [room('runtime')]),
    only('renderer', 'the window imports the contract', '^renderer/', []),
    { name: 'electron-only-in-electron', severity: 'error', from: { pathNot: '^electron/' }, to: { path: 'node_modules/electron/' } },
    { name: 'sql-only-in-stores', comment: 'better-sqlite3 is opened by db', severity: 'error', from: { path: '^main/', pathNot: room('db') }, to: { path: 'node_modules/better-sqlite3', dependencyTypesNot: ['type-only'] } },
    { name: 'tfjs-only-in-engine', severity: 'error', from: { pathNot: '^(main/engine|tests|scripts)/' }, to: { path: 'node_modules/@tensorflow/' } },
    { name: 'not-to-tests', severity: 'error', from: { pathNot: '^tests/' }, to: { path: '^tests/' } },
    { name: 'not-resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|resources)/' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'svelte', 'default', 'types'], extensions: ['.ts', '.svelte', '.svelte.ts', '.js', '.mjs', '.cjs', '.json'] },
  },
};
