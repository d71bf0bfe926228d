import './zodWithoutEval.ts';
import { mount } from 'svelte';
import { connect } from './api/api.ts';
import type { Transport } from './api/transport.ts';
import App from './app/App.svelte';
import { openWorkspace } from './app/workspace.svelte.ts';
import './ui/tokens.css';
import './ui/base.css';
import './ui/input.css';

/** Mounts the whole app on an element, talking over the given transport. */
export function mountApp(target: HTMLElement, transport: Transport): void {
  connect(transport);
  openWorkspace();
  mount(App, { target });
}
