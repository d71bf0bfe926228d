/** The way from pictures to a fine-tuned model, as the start page shows it. */
import type { IconName } from '../ui/icons.ts';

export const steps: readonly { title: string; text: string; href: string; icon: IconName }[] = [
  { title: 'Pictures', text: 'Any folder of images. See what training will see, find duplicates, write captions.', href: '#/datasets', icon: 'datasets' },
  { title: 'A model', text: 'Use the small one built in, or add SDXL as a folder or a .safetensors file.', href: '#/models', icon: 'models' },
  { title: 'A run', text: 'Eight settings in sight, with advice. Watch it draw while it learns, then export a LoRA.', href: '#/runs/new', icon: 'runs' },
];
