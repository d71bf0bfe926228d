/** Text for HTML: nothing that a prompt or a name contains is markup. */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
