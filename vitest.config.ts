/** Tests: plain Node ones, the window's parts, which need Svelte, and whole apps. Two workers: TensorFlow uses every core by itself. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/testOrder.ts';

/** What is waited for may come late on a busy machine: only that it never comes is a failure. */
const common = { pool: 'forks' as const, testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 60_000 } }, env: { TF_CPP_MIN_LOG_LEVEL: '2' } };

export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...common, name: 'main', include: ['tests/{engine,datasets,compare,db,api}/**/*.test.ts'] } },
      { plugins: [svelte()], resolve: { conditions: ['browser'] }, test: { ...common, name: 'window', include: ['tests/renderer/**/*.test.ts'] } },
      { test: { ...common, name: 'e2e', include: ['tests/e2e/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000, retry: 1 } },
    ],
  },
});
