/** The parity sections on the small fixtures, op by op and compiled; and that they can fail. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { textParity } from '../../main/engine/parity/text.ts';
import { tokenizer } from '../../main/engine/parity/tokenizer.ts';
import { unetParity } from '../../main/engine/parity/unet.ts';
import { vaeParity } from '../../main/engine/parity/vae.ts';
import { compared } from './math-helpers.ts';
import { expectAllPass, PARITY } from './models-helpers.ts';

const SLOW = 300_000; // compiling on a busy machine

describe('models equal PyTorch\'s', () => {
  it('tokenizers', () => expectAllPass(tokenizer.run(PARITY), 22));

  it.each(['tensorflow-eager', 'tensorflow', 'wasm'] as const)('text encoders on %s', (backend) => expectAllPass(textParity('text', PARITY, backend), 8), SLOW);
  it.each(['tensorflow-eager', 'tensorflow', 'wasm'] as const)('VAE on %s', (backend) => expectAllPass(vaeParity('vae', PARITY, backend), 10), SLOW);
  it('UNet on tensorflow-eager', () => expectAllPass(unetParity('unet', PARITY, 'tensorflow-eager'), 20), SLOW);
  it.each(['wasm', 'cpu'] as const)('UNet\'s output on %s', (backend) => expectAllPass(unetParity('unet', PARITY, backend, ['rect.']), 1), SLOW);
  it('UNet on tensorflow', () => expectAllPass(unetParity('unet', PARITY, 'tensorflow', ['rect.', 'checkpointed']), 10), SLOW);

  it('and a changed expected value fails, alone', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lpl-parity-'));
    try {
      await cp(PARITY, dir, { recursive: true });
      const norms = JSON.parse(await readFile(join(dir, 'unet.json'), 'utf8')) as { grad_norms: Record<string, number> };
      norms.grad_norms['conv_in.weight']! *= 1.002;
      await writeFile(join(dir, 'unet.json'), JSON.stringify(norms));
      const failed = (await compared(unetParity('unet', dir, 'tensorflow-eager', ['', 'gradients']))).filter((r) => !r.pass).map((r) => `${r.quantity} ${r.note}`);
      expect(failed).toEqual([expect.stringMatching(/gradient norms .* largest: conv_in\.weight/)]);
    } finally {
      await rm(dir, { recursive: true });
    }
  }, SLOW);
});
