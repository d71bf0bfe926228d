/** Entry of the window: picks the transport and mounts the app. */
import { httpTransport } from './api/httpTransport.ts';
import { ipcTransport } from './api/ipcTransport.ts';
import { mountApp } from './mount.ts';

mountApp(document.getElementById('app')!, window.lpl ? ipcTransport(window.lpl) : httpTransport());
