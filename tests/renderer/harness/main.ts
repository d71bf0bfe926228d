/** The window over a fake core: ?scenario=full|empty|broken|slow|first|noEngine|comparing&theme=light|dark. For component tests and screenshots only. */
import { mountApp } from '../../../renderer/mount.ts';
import { fakeCore, type FakeCore } from '../fakes/fakeCore.ts';
import { broken, comparing, empty, first, full, noEngine, slow } from '../fakes/scenarios.ts';

declare global {
  interface Window { fake: FakeCore }
}
const query = new URLSearchParams(location.search);
const scenario = { full, empty, broken, slow, first, noEngine, comparing }[query.get('scenario') ?? 'full'] ?? full;
window.fake = fakeCore(scenario(query.get('theme') === 'light' ? 'light' : 'dark'));
mountApp(document.getElementById('app')!, window.fake);
