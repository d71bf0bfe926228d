/** Keys that a part of a page understands while it has the focus; shown beside the commands' own. */
export const partKeys: readonly { part: string; place: RegExp; keys: readonly (readonly [keys: string, does: string])[] }[] = [
  { part: 'Sample pictures', place: /^runs\/(?!new)/, keys: [['ArrowLeft ArrowRight', 'Earlier or later step'], ['ArrowUp ArrowDown', 'Other prompt or seed'], ['Enter', 'Open the picture'], ['Z', 'Fit or 1:1, in the open picture']] },
  { part: 'Curves', place: /^(runs\/(?!new)|compare\/)/, keys: [['ArrowLeft ArrowRight', 'Read the values'], ['+', 'Zoom in'], ['-', 'Zoom out'], ['0', 'Show all']] },
  { part: 'Filter of a data set', place: /^datasets\//, keys: [['Enter ArrowDown', 'To the pictures that it finds']] },
  { part: 'Pictures of a data set', place: /^datasets\//, keys: [['ArrowLeft ArrowRight ArrowUp ArrowDown', 'Move'], ['Shift+ArrowRight', 'Select more'], ['Enter', 'Edit the caption']] },
];
