/** Where the window was: kept in the app's folder, used again only where a screen still shows it. */
import { app, screen, type BrowserWindow, type Rectangle } from 'electron';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const file = (): string => path.join(app.getPath('userData'), 'window.json');

export function readWindowState(): Partial<Rectangle> & { maximized?: boolean } {
  try {
    const state = JSON.parse(readFileSync(file(), 'utf8')) as Rectangle & { maximized?: boolean };
    const shown = screen.getAllDisplays().some(({ workArea: a }) => state.x < a.x + a.width - 100 && state.x + state.width > a.x + 100 && state.y >= a.y - 10 && state.y < a.y + a.height - 100);
    return shown ? state : { width: state.width, height: state.height };
  } catch { return {}; }
}

/** Written when the window closes. */
export function keepWindowState(window: BrowserWindow): void {
  window.on('close', () => {
    try { writeFileSync(file(), JSON.stringify({ ...window.getNormalBounds(), maximized: window.isMaximized() })); } catch { /* a full disk must not keep the window open */ }
  });
}
