/** Short messages at the foot of the window. Errors stay until they are closed; the rest goes after a while. */
import { toAppError, type AppErrorData } from '../../main/contract/errors.ts';

export interface Toast {
  id: number;
  level: 'info' | 'warning' | 'error';
  title: string;
  text: string;
  error?: AppErrorData;
  action?: { title: string; run: () => void };
}

class Toasts {
  items: Toast[] = $state.raw([]);
  #next = 1;

  show(toast: Omit<Toast, 'id'>, seconds = 6): void {
    const id = this.#next++;
    this.items = [...this.items.slice(-4), { ...toast, id }];
    if (toast.level !== 'error') setTimeout(() => this.close(id), seconds * 1000);
  }

  info(title: string, text = '', action?: Toast['action']): void { this.show({ level: 'info', title, text, ...(action ? { action } : {}) }); }

  /** An error that has no better place on the page. */
  fail(thrown: unknown): void {
    const error = toAppError(thrown);
    this.show({ level: 'error', title: error.message, text: error.hint, error });
  }

  close(id: number): void { this.items = this.items.filter((t) => t.id !== id); }
}
export const toasts = new Toasts();
