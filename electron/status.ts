/** What the desktop shows of a running job: progress on the taskbar, a notification at its end, no sleep meanwhile. */
import { Notification, powerSaveBlocker, type BrowserWindow } from 'electron';
import type { CoreEvent } from '../main/contract/events.ts';
import type { Run } from '../main/contract/runs.ts';
import type { Core } from './core.ts';

const liveStates: readonly string[] = ['starting', 'running', 'pausing', 'stopping'];

export function showStatus(window: BrowserWindow, core: Core, openRun: (id: string) => void): void {
  const live = new Map<string, Run>();
  let blocker: number | null = null;
  const show = (): void => {
    if (window.isDestroyed()) return;
    const [first] = live.values();
    window.setProgressBar(first ? first.step / Math.max(1, first.total_steps) : -1);
    if (live.size > 0) blocker ??= powerSaveBlocker.start('prevent-app-suspension');
    else if (blocker !== null) { powerSaveBlocker.stop(blocker); blocker = null; }
  };
  const hear = (event: CoreEvent): void => {
    if (event.type === 'runs.changed') {
      const { run } = event.data;
      if (liveStates.includes(run.state)) live.set(run.id, run); else live.delete(run.id);
      show();
    }
    if (event.type === 'notice' && event.data.run_id && !window.isDestroyed() && !window.isFocused()) void notify(event.data.title, event.data.text, event.data.run_id);
  };
  const notify = async (title: string, body: string, id: string): Promise<void> => {
    const settings = await core.call('settings.get', {});
    if ('error' in settings || !(settings.result as { notifications: boolean }).notifications || !Notification.isSupported()) return;
    const notification = new Notification({ title, body });
    notification.on('click', () => openRun(id));
    notification.show();
  };
  core.subscribe({ topics: ['runs', 'notice'] }, (message) => {
    if ('event' in message) hear(message.event);
    else if (message.hello.reset) void core.call('queue.list', {}).then((reply) => {
      live.clear();
      if (!('error' in reply)) for (const run of (reply.result as { running: Run[] }).running) live.set(run.id, run);
      show();
    });
  });
}
