/** Text of files whose encoding nobody wrote down. */

export interface DecodedText { text: string; /** how it was read, when not plain UTF-8: shown to the person */ note: string | null }

const strict = new TextDecoder('utf-8', { fatal: true });

/** UTF-16 without a byte order mark: every other byte of mostly Latin text is zero. */
function looksLikeUtf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes.length < 4 || bytes.length % 2 === 1) return undefined;
  let even = 0, odd = 0;
  for (let i = 0; i < bytes.length; i += 2) { if (bytes[i] === 0) even++; if (bytes[i + 1] === 0) odd++; }
  const half = bytes.length / 2;
  if (odd > half * 0.4 && even === 0) return 'utf-16le';
  return even > half * 0.4 && odd === 0 ? 'utf-16be' : undefined;
}

/** UTF-8, UTF-16 (with or without mark), else Windows-1252, which gives every byte a character: nothing is lost, and a note says so. */
export function decodeText(bytes: Uint8Array): DecodedText {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { text: new TextDecoder('utf-16le').decode(bytes), note: 'read as UTF-16' };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { text: new TextDecoder('utf-16be').decode(bytes), note: 'read as UTF-16' };
  const utf16 = looksLikeUtf16(bytes);
  if (utf16) return { text: new TextDecoder(utf16).decode(bytes), note: 'read as UTF-16' };
  try {
    return { text: strict.decode(bytes), note: null };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), note: 'not valid UTF-8: read as Windows-1252, check accents' };
  }
}

/** Every non-empty line of a caption file is one alternative; spaces around lines do not count. */
export function captionLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/).map((line) => line.trim()).filter((line) => line !== '');
}
