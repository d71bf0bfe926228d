/** The desktop shell: one instance, one window, the core beside it. */
import { app, BrowserWindow, crashReporter, dialog, Menu, session } from 'electron';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { appOrigin, registerScheme, serveApp } from './appProtocol.ts';
import { guardClosing } from './closing.ts';
import { Core } from './core.ts';
import { linkIn, routeOf } from './deepLink.ts';
import { openDoor } from './ipc.ts';
import { buildMenu } from './menu.ts';
import { createShellCall } from './shellMethods.ts';
import { showStatus } from './status.ts';
import { createWindow, denyPermissions } from './window.ts';

app.setName('LPL Studio');
if (process.env['LPL_DATA']) app.setPath('userData', path.join(process.env['LPL_DATA'], 'shell'));
crashReporter.start({ uploadToServer: false }); // crash dumps stay on this machine
registerScheme();

const root = app.isPackaged ? path.join(process.resourcesPath, 'app.asar.unpacked') : app.getAppPath();

/** A real Node: named by the environment, packed beside the app, or in node_modules. */
function findNode(): string {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const places = [process.env['LPL_NODE'], path.join(process.resourcesPath, 'node', 'bin', name), path.join(root, 'node_modules', `node-${os}-${process.arch}`, 'bin', name)];
  return places.find((p) => p !== undefined && p !== '' && existsSync(p)) ?? 'node';
}

let window: BrowserWindow | null = null;
function go(route: string): void {
  if (!window || window.isDestroyed()) return;
  if (window.isMinimized()) window.restore();
  window.focus();
  void window.webContents.loadURL(`${appOrigin}/index.html#${route}`);
}

function start(): void {
  denyPermissions(session.defaultSession);
  const core = new Core(findNode(), path.join(root, 'main', 'core.ts'), (error) => {
    dialog.showErrorBox('LPL Studio cannot start', `${error.message}\n\n${error.hint}`);
    window?.destroy();
    app.exit(1);
  });
  serveApp(path.join(root, 'dist', 'renderer'), core);
  openDoor(core, createShellCall(core));
  Menu.setApplicationMenu(buildMenu(go, async () => {
    const reply = await core.call('system.info', {});
    return 'error' in reply ? null : (reply.result as { data_folder: string }).data_folder;
  }));
  window = createWindow(routeOf(linkIn(process.argv)));
  guardClosing(window, core);
  showStatus(window, core, (id) => go(`/runs/${id}`));
  window.webContents.once('did-finish-load', () => { process.stdout.write('LPL Studio is ready: the window is open.\n'); });
}

if (!app.requestSingleInstanceLock()) app.quit();
else {
  app.setAsDefaultProtocolClient('lpl-studio');
  app.on('second-instance', (_event, argv) => go(routeOf(linkIn(argv)) ?? '/'));
  app.on('open-url', (_event, url) => { const route = routeOf(url); if (route) go(route); });
  app.on('web-contents-created', (_event, contents) => contents.on('will-attach-webview', (event) => event.preventDefault()));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { if (window && !window.isDestroyed()) window.close(); else app.quit(); });
  void app.whenReady().then(start);
}
