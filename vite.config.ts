/** Builds the window (renderer/) into dist/renderer: no inline scripts, and nothing newer than Chromium 114. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { licencesPlugin } from './scripts/licences.ts';

const target = 'chrome114';

export default defineConfig(() => {
  // Vitest reads this file too where no vitest.config.ts stands beside it; there it only needs to understand Svelte.
  if (process.env.VITEST) return { plugins: [svelte()] };
  return {
    root: 'renderer',
    base: './',
    plugins: [svelte({ configFile: false }), licencesPlugin(import.meta.dirname)],
    css: { transformer: 'lightningcss' as const, lightningcss: { targets: { chrome: 114 << 16 } } },
    build: {
      outDir: '../dist/renderer', emptyOutDir: true, target, cssTarget: target, assetsInlineLimit: 0,
      modulePreload: { polyfill: false }, reportCompressedSize: false, chunkSizeWarningLimit: 900,
      rolldownOptions: { checks: { bundlerTimings: false } }, // which plugin took how long is no warning to whoever starts the app
    },
  };
});
