/** `lpl bench --profile`: every operation of a step is counted once, in its part, with its arithmetic. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { flopsOf, nodeKinds } from '../../main/engine/bench/graphCosts.ts';
import { profileStep, type Profile } from '../../main/engine/bench/profile.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { DT } from '../../main/engine/backend/nodeBinding.ts';
import { Body, type Attrs, type Ref } from '../../main/engine/backend/graph/node.ts';
import { parseUnetConfig, unetWeightShapes } from '../../main/engine/models/unet.ts';
import { tempDir } from './train-helpers.ts';
import { writeTinyModel } from './tinyModel.ts';

vi.setConfig({ testTimeout: 300_000 });

/** A body to add nodes to; every output is float32. */
function graph(): { body: Body; input: (...shape: number[]) => Ref; add: (op: string, inputs: Ref[], shape: number[], attrs?: Attrs) => Ref } {
  const body = new Body('b/');
  return {
    body, input: (...shape) => body.add('Placeholder', [], {}, [{ shape, dtype: DT.float }])[0]!,
    add: (op, inputs, shape, attrs = {}) => body.add(op, inputs, attrs, [{ shape, dtype: DT.float }])[0]!,
  };
}

test('arithmetic is two operations a multiplication, whoever\'s kernel computes it', () => {
  const { body, input, add } = graph(), x = input(2, 8, 6, 5), w = input(3, 3, 5, 7), stride = (s: number): Attrs => ({ strides: { ints: [1, s, s, 1] } });
  const flops = (r: Ref): number => flopsOf(r.node!), conv = 2 * (2 * 8 * 6) * (3 * 3 * 5 * 7), half = 2 * (2 * 4 * 3) * (3 * 3 * 5 * 7);
  expect(flops(add('Conv2D', [x, w], [2, 8, 6, 7], stride(1)))).toBe(conv);
  expect(flops(add('Conv2D', [x, w], [2, 4, 3, 7], stride(2)))).toBe(half);
  for (const op of ['Conv2DBackpropInput', '_MklNativeConv2DBackpropInput']) expect(flops(add(op, [body.ints([2, 8, 6, 5]), w, input(2, 4, 3, 7)], [2, 8, 6, 5], stride(2))), op).toBe(half);
  expect(flops(add('Conv2DBackpropFilter', [x, body.ints([3, 3, 5, 7]), input(2, 8, 6, 7)], [3, 3, 5, 7], stride(1)))).toBe(conv);
  const product = (op: string, a: number[], b: number[], attrs: Attrs): number => flops(add(op, [input(...a), input(...b)], [], attrs));
  for (const op of ['MatMul', '_MklMatMul']) {
    expect(product(op, [4, 3], [3, 5], { transpose_b: { bool: false } })).toBe(2 * 4 * 3 * 5);
    expect(product(op, [4, 3], [5, 3], { transpose_b: { bool: true } })).toBe(2 * 4 * 3 * 5);
  }
  expect(product('BatchMatMulV2', [2, 4, 3], [2, 5, 3], { adj_y: { bool: true } })).toBe(2 * 2 * 4 * 3 * 5);
  expect(product('AddV2', [4, 3], [4, 3], {})).toBe(0);
});

test('equal nodes are one kind with their number; what two parts need counts in the first; what nothing needs, and what does nothing, not at all', () => {
  const { body, input, add } = graph(), x = input(4, 4), product: Attrs = { transpose_b: { bool: false } };
  const first = add('MatMul', [x, x], [4, 4], product), second = add('MatMul', [first, x], [4, 4], product), end = add('Identity', [second], [4, 4]);
  const gradient = add('Mul', [first, add('MatMul', [x, x], [4, 4], { transpose_b: { bool: true } })], [4, 4]);
  add('Exp', [x], [4, 4]);
  const kinds = nodeKinds(body, [['unet forward', [end.node!.name]], ['lpl forward', []], ['gradients', [gradient.node!.name]]]);
  expect(kinds.map(({ node, part, count, flops }) => [part, node.op, count, flops]).sort()).toEqual([
    ['gradients', 'MatMul', 1, 128], ['gradients', 'Mul', 1, 0], ['unet forward', 'MatMul', 2, 128],
  ]);
});

test('lpl bench --profile on a tiny model: parts and operations add up, and the forward pass has the UNet\'s convolutions', async () => {
  const folder = tempDir(), model = await writeTinyModel(join(folder, 'model')), config = join(folder, 'bench');
  mkdirSync(config);
  writeFileSync(join(config, 'bench.json'), '{"latent_size":8}');
  for (const part of ['unet', 'vae']) writeFileSync(join(config, `${part}.json`), readFileSync(join(model, part, 'config.json')));
  const cli = join(import.meta.dirname, '..', '..', 'main', 'cli.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, 'bench', '--config', config, '--batch', '1', '--below', '1', '--steps', '2', '--warmup', '1', '--profile', '--json', '--backend', 'tensorflow'], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const result = JSON.parse(stdout) as { seconds_per_step: number; profile: Profile }, { profile: p } = result;
  expect(p.step_ms).toBeCloseTo(1000 * result.seconds_per_step, 6);
  for (const part of ['unet forward', 'lpl forward', 'gradients'] as const) {
    expect(p.parts[part], part).toBeGreaterThan(0);
    expect(p.ops.filter((o) => o.part === part).reduce((sum, o) => sum + o.milliseconds, 0), part).toBeCloseTo(p.parts[part], 6);
    expect(stderr).toContain(part);
  }
  expect(Object.values(p.parts).reduce((a, b) => a + b, p.rest_ms)).toBeCloseTo(p.step_ms, 6);
  const weights = unetWeightShapes(parseUnetConfig(JSON.parse(readFileSync(join(config, 'unet.json'), 'utf8')))), convolutions = Object.values(weights).filter((s) => s.length === 4).length;
  const forward = (op: string): number => p.ops.find((o) => o.part === 'unet forward' && o.op === op)!.count;
  expect([forward('Conv2D'), forward('Conv2DBackpropInput')], 'upsampling and its convolution are the gradient of one').toEqual([convolutions - 1, 1]);
  expect(p.ops.filter((o) => /^Conv2D|MatMul/.test(o.op)).every((o) => o.gflops_per_second! > 0)).toBe(true);
  expect(p.ops.find((o) => o.op === 'Mul')?.gflops_per_second ?? null).toBeNull();
  // 0.005 GFLOP forward by the weights at the latent's own size, as an order of magnitude; gradients are more
  expect(p.gflop).toBeGreaterThan(0.005);
  expect(p.gflop).toBeLessThan(1);
  expect(p.share_of_machine).toBeGreaterThan(0);
});

test('an eager executor has no recorded step to profile', async () => {
  const executor = await createExecutor({ backend: 'cpu' });
  expect(profileStep(executor, 1)).toBeUndefined();
  executor.dispose();
});
