/**
 * Whether a picture file stops before its end, by its format's own end mark. Asked only after decoding has failed: decoders' messages come from
 * a buffer that all threads share, so under load one file's message can speak of another.
 */
export function endIsMissing(bytes: Buffer): boolean {
  if (bytes.readUInt16BE(0) === 0xffd8) return bytes.subarray(-1024).lastIndexOf(Buffer.from([0xff, 0xd9])) < 0;
  if (bytes.subarray(1, 4).toString('latin1') === 'PNG') return bytes.subarray(-64).lastIndexOf('IEND') < 0;
  if (bytes.subarray(0, 4).toString('latin1') === 'RIFF') return bytes.length >= 8 && bytes.readUInt32LE(4) + 8 > bytes.length;
  return bytes.subarray(0, 3).toString('latin1') === 'GIF' && bytes.at(-1) !== 0x3b;
}
