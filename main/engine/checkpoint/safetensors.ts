/** Reads safetensors files one tensor, or one range of rows, at a time; the file is never held in memory as a whole. */
import { open, type FileHandle } from 'node:fs/promises';
import { AppError } from '../../contract/errors.ts';
import { bytesPerElement, bytesToFloat } from './dtype.ts';
import { damagedFile, notSafetensors, notSupported, pickleRefused, unreadableFile } from './errors.ts';
import { elementCount, maxHeaderBytes, parseHeader, type Header, type TensorInfo } from './header.ts';

const chunkBytes = 1 << 26; // one read call; Linux stops at 2 GiB

/** Fills `into` from `position`. Throws model.damaged where the file ends before. */
async function readFully(file: FileHandle, path: string, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.byteLength;) {
    const { bytesRead } = await file.read(into, done, Math.min(chunkBytes, into.byteLength - done), position + done);
    if (bytesRead === 0) throw damagedFile(path, `it ends at byte ${position + done}, in the middle of its data`);
    done += bytesRead;
  }
}

/** Recognises what people mistake for a safetensors file by its first bytes. */
function refuseOtherFormats(path: string, start: Uint8Array): void {
  const text = Buffer.from(start).toString('latin1');
  const torchZip = text.startsWith('PK\x03\x04'), pickle = start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5 && text[8] !== '{';
  if (torchZip || pickle) throw pickleRefused(path);
  if (text.startsWith('version https://git-lfs')) throw notSafetensors(path, 'it is a Git LFS pointer, a note where the real file is', 'Fetch the real file ("git lfs pull"), or download it from the model\'s page.');
  if (text.startsWith('GGUF')) throw notSupported(path, 'the GGUF format');
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) throw notSafetensors(path, 'it is a web page, as a failed download leaves', 'Download the model again; you may have to log in or accept its licence first.');
}

async function readHeader(file: FileHandle, path: string): Promise<Header> {
  const { size } = await file.stat();
  const start = new Uint8Array(Math.min(64, size));
  await readFully(file, path, start, 0);
  refuseOtherFormats(path, start);
  if (size < 10) throw notSafetensors(path, `it is only ${size} bytes long`, 'Download or export the file again.');
  const length = Number(new DataView(start.buffer).getBigUint64(0, true));
  if (start[8] !== 0x7b) throw notSafetensors(path, 'it has no safetensors header', 'Choose a .safetensors file. If it is one by its name, download or export it again.');
  if (length > maxHeaderBytes) throw damagedFile(path, `its header claims ${length} bytes, more than the format allows`);
  if (8 + length > size) throw damagedFile(path, `it is ${size} bytes long but its header alone claims ${length}: the download or copy is incomplete`);
  const json = new Uint8Array(length);
  await readFully(file, path, json, 8);
  return parseHeader(path, json, size);
}

/** An open safetensors file. The caller closes it. */
export class SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Record<string, string>;
  readonly dataBegin: number;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, header: Header) {
    this.path = path;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
    this.dataBegin = header.dataBegin;
    this.#file = file;
  }

  /** Opens and checks the header. Throws AppError: file.*, model.pickle_refused, model.not_safetensors, model.damaged. */
  static async open(path: string): Promise<SafetensorsFile> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'r');
      return new SafetensorsFile(path, file, await readHeader(file, path));
    } catch (error) {
      await file?.close();
      throw error instanceof AppError ? error : unreadableFile(path, error as NodeJS.ErrnoException);
    }
  }

  info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (!info) throw new AppError('model.missing_tensor', `${this.path} has no tensor "${name}".`, 'Choose a complete model.', { path: this.path, tensor: name });
    return info;
  }

  /** The tensor's bytes as they are in the file; with `rows`, only [first, count] along its first axis. */
  async readBytes(name: string, rows?: [first: number, count: number]): Promise<Uint8Array> {
    const { begin, end, shape, dtype } = this.info(name);
    const rowBytes = elementCount(shape.slice(1)) * bytesPerElement[dtype];
    const from = rows ? begin + rows[0] * rowBytes : begin, to = rows ? from + rows[1] * rowBytes : end;
    if (from < begin || to > end) throw new RangeError(`rows ${rows} of ${name} [${shape}]`);
    const bytes = new Uint8Array(to - from);
    await readFully(this.#file, this.path, bytes, from);
    return bytes;
  }

  /** The tensor's values as float32, row-major in the file's own shape. */
  async readFloat(name: string, rows?: [first: number, count: number]): Promise<Float32Array> {
    const { dtype } = this.info(name), values = bytesToFloat(await this.readBytes(name, rows), dtype);
    if (!values) throw notSupported(this.path, `the number format ${dtype} (tensor "${name}")`);
    return values;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
