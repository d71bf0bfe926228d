/** Where the picture of an item of a data set lies, upright and without transparency; `width` asks for a smaller copy. */
import type { DatasetItem } from '../../main/contract/datasets.ts';
import { mediaUrl } from '../../main/contract/wire.ts';

/** The picture cut and scaled as training reads it; null where it cannot be. */
export const cutUrl = (item: DatasetItem): string | null => (item.crop && item.bucket ? mediaUrl('cut', `${item.id}:${item.crop.join('-')}:${item.bucket.join('x')}`) : null);
/** The picture that datasets.roundtrip made. */
export const roundTripUrl = (media: string): string => mediaUrl('roundtrip', media);
export const pictureUrl = (itemId: number, width?: number): string => mediaUrl('image', String(itemId), width);
