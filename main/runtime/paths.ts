/** Where things lie: the app's own files, and TensorFlow for the engine. */
import { basename, join } from 'node:path';
import { dataDir } from './dataDir.ts';

export { dataDir };

/** The folder that holds package.json, main/, resources/. In a package it stands beside app.asar. */
export const appDir = join(import.meta.dirname, '..', '..');
export const resourcesDir = join(appDir, 'resources');
export const isPackaged = basename(appDir) === 'app.asar.unpacked';

/** A package writes nothing beside itself: its TensorFlow is in the data folder, or where LPL_RUNTIME says. */
const elsewhere = process.env['LPL_RUNTIME'] || (isPackaged ? join(dataDir(), 'runtime') : undefined);
export const runtimeIsSeparate = elsewhere !== undefined;
/** Where set-up keeps TensorFlow, and the folder whose binding the engine loads: lib/napi-v8/tfjs_binding.node, with deps/lib for it. */
export const defaultRuntimeDir = elsewhere ?? join(appDir, 'node_modules', '.lpl-runtime');
export const tfjsDir = elsewhere ? join(elsewhere, 'tfjs-node') : join(appDir, 'node_modules', '@tensorflow', 'tfjs-node-gpu');

export const bindingFile = (packageDir: string): string => join(packageDir, 'lib', 'napi-v8', 'tfjs_binding.node');

/** Tells the engine, in this process and its children, where its binding is (engine/backend/nodeBinding.ts). */
export function announceBinding(): void {
  if (runtimeIsSeparate) Object.assign(process.env, { LPL_RUNTIME: defaultRuntimeDir, LPL_TFJS_BINDING: bindingFile(tfjsDir) });
}
