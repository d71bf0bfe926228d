/** The feature space in which pictures are compared: the person's own ONNX model where one is given, else the app's own eye, else the model's VAE encoder. */
import type { z } from 'zod';
import type { featureSpaceSchema } from '../../contract/evaluation.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Size } from '../../contract/buckets.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { eyeFolder, eyeInfo, openEye } from './eyeFeatures.ts';
import { onnxInfo, openOnnx } from './onnxFeatures.ts';
import { openVaeFeatures, vaeFeaturesInfo } from './vaeFeatures.ts';

export type FeatureSpaceInfo = z.output<typeof featureSpaceSchema>;
export interface FeatureSpace {
  info: FeatureSpaceInfo;
  /** RGB bytes [height, width, 3] -> features, and what is compared with texts where the space knows them. */
  picture(pixels: Uint8Array, size: Size): Promise<{ features: Float32Array; embedding: Float32Array | null }>;
  /** Unit vector of a text in the space; null where it knows no texts. */
  text(prompt: string): Promise<Float32Array | null>;
  dispose(): void;
}
export type SpaceParts = { base: BaseModel; config: RunConfig; /** an ONNX image model */ onnx?: string | undefined };

/** What the space would be, without loading it. */
export const featureSpaceInfo = ({ base, config, onnx }: SpaceParts): Promise<FeatureSpaceInfo> => (onnx ? onnxInfo(onnx) : eyeFolder() ? eyeInfo() : vaeFeaturesInfo(base, config));

/** Loads it. The caller disposes it. */
export const openFeatureSpace = (parts: SpaceParts): Promise<FeatureSpace> => (parts.onnx ? openOnnx(parts.onnx) : eyeFolder() ? openEye(parts.config) : openVaeFeatures(parts));

/** x · y of two vectors of the same length. */
export const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
