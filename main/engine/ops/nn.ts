/** Neural network primitives on tfjs-core, NHWC: all that models are written in. N batch, H×W space, C channels, L/S tokens. */
export { geglu, gelu, quickGelu, silu } from './activations.ts';
export { attention } from './attention.ts';
export { conv2d, upsampleConv2d, upsampleNearest2x, type ConvOptions } from './conv.ts';
export { groupNorm, groupNormSilu, groupNormSiluStrips } from './groupNorm.ts';
export { layerNorm } from './layerNorm.ts';
export { addBias, linear } from './linear.ts';
export { convStrips, toStrips, upsampleConvStrips } from './strips.ts';
