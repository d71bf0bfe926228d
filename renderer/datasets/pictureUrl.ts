/** Where the picture of an item of a data set lies, upright and without transparency; `width` asks for a smaller copy. */
import { mediaUrl } from '../../main/contract/wire.ts';

export const pictureUrl = (itemId: number, width?: number): string => mediaUrl('image', String(itemId), width);
