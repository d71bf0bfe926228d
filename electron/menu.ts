/** The menu: places of the window, and what every app has. */
import { Menu, shell, type MenuItemConstructorOptions } from 'electron';
import { mkdirSync } from 'node:fs';

function show(folder: string): void {
  mkdirSync(folder, { recursive: true });
  void shell.openPath(folder);
}

export function buildMenu(go: (route: string) => void, folders: { data: string; crashes: string }): Menu {
  const mac = process.platform === 'darwin';
  const place = (label: string, route: string, accelerator: string): MenuItemConstructorOptions => ({ label, accelerator, click: () => go(route) });
  return Menu.buildFromTemplate([
    ...(mac ? [{ role: 'appMenu' } as const] : []),
    { label: 'File', submenu: [
      place('New Run', '/runs/new', 'CmdOrCtrl+N'),
      { label: 'Open Data Folder', click: () => show(folders.data) },
      { type: 'separator' },
      mac ? { role: 'close' } : { role: 'quit' },
    ] },
    { role: 'editMenu' },
    { label: 'Go', submenu: [place('Start', '/', 'CmdOrCtrl+0'), place('Datasets', '/datasets', 'CmdOrCtrl+1'), place('Models', '/models', 'CmdOrCtrl+2'), place('Runs', '/runs', 'CmdOrCtrl+3'), place('Compare', '/compare', 'CmdOrCtrl+4'), place('Settings', '/settings', 'CmdOrCtrl+,')] },
    { label: 'View', submenu: [{ role: 'reload' }, { role: 'toggleDevTools' }, { type: 'separator' }, { role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, { role: 'togglefullscreen' }] },
    { role: 'windowMenu' },
    { role: 'help', submenu: [{ label: 'Doctor', click: () => go('/settings/doctor') }, { label: 'Show Crash Reports', click: () => show(folders.crashes) }, { type: 'separator' }, { label: 'About LPL Studio', click: () => go('/settings/about') }] },
  ]);
}
