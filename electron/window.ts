/** The one window: sandboxed, isolated, and going nowhere but lpl://app. */
import { BrowserWindow, shell, type Session } from 'electron';
import path from 'node:path';
import { appOrigin } from './appProtocol.ts';
import { keepWindowState, readWindowState } from './windowState.ts';

export function createWindow(route: string | undefined): BrowserWindow {
  const { maximized, ...bounds } = readWindowState();
  const window = new BrowserWindow({
    width: 1280, height: 800, ...bounds, minWidth: 960, minHeight: 600, show: false, backgroundColor: '#16181c', title: 'LPL Studio',
    webPreferences: { preload: path.join(__dirname, 'preload.cjs'), contextIsolation: true, sandbox: true, nodeIntegration: false, webSecurity: true, webviewTag: false, spellcheck: true },
  });
  window.once('ready-to-show', () => { if (maximized) window.maximize(); window.show(); });
  keepWindowState(window);
  stayHere(window);
  comeBack(window);
  void window.loadURL(`${appOrigin}/index.html${route ? `#${route}` : ''}`);
  return window;
}

/** A page whose process is killed or crashes is loaded again where it was: nothing lives in it alone. One that dies at once again and again is left. */
function comeBack(window: BrowserWindow): void {
  let last = 0, deaths = 0;
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    deaths = Date.now() - last < 10_000 ? deaths + 1 : 1;
    last = Date.now();
    if (deaths <= 20) setTimeout(() => { if (!window.isDestroyed()) window.webContents.reload(); }, 100 * deaths);
  });
}

/** No other page in this window, no other windows; links to the web open in the browser. */
function stayHere(window: BrowserWindow): void {
  const { webContents } = window;
  const leave = (event: { preventDefault(): void }, url: string): void => { if (!url.startsWith(`${appOrigin}/`)) event.preventDefault(); };
  webContents.on('will-navigate', leave);
  webContents.on('will-redirect', leave);
  webContents.on('will-attach-webview', (event) => event.preventDefault());
  webContents.setWindowOpenHandler(({ url }) => {
    if (/^https:\/\//.test(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
}

/** Copying text is all that a page may ask for. */
export function denyPermissions(session: Session): void {
  const allowed = (permission: string): boolean => permission === 'clipboard-sanitized-write';
  session.setPermissionRequestHandler((_contents, permission, answer) => answer(allowed(permission)));
  session.setPermissionCheckHandler((_contents, permission) => allowed(permission));
}
