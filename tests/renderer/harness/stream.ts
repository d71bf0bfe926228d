/** Runs inside the page over the fake core: a run that streams 50 metrics × 10 steps/s, `speed` times as fast, with 400 sample pictures (8 prompts and seeds × 50 steps). */
export function stream(speed: number): void {
  const { fake } = window;
  const names = Array.from({ length: 50 }, (_, i) => (i < 3 ? ['loss', 'diffusion_loss', 'lpl_loss'][i]! : `lpl/layer_${i}`));
  const samples = fake.answers['samples.list']!({ run_id: 'live' }) as { id: string; step: number }[];
  const many = Array.from({ length: 400 }, (_, i) => ({ ...samples[i % 8]!, id: `s${i}`, step: Math.floor(i / 8) * 8 }));
  fake.answers['samples.list'] = () => many as never;
  let step = 412;
  const state = Object.assign(window as never as { slowest: number; stepsStreamed: number }, { slowest: 0, stepsStreamed: 0 });
  fake.answers['metrics.names'] = () => names.map((name) => ({ name, points: step, last_step: step, last: 0.1 }));
  fake.answers['metrics.series'] = (p) => {
    const from = Math.max(1, p.from ?? 0);
    const stride = Math.max(1, Math.ceil((step - from + 1) / (p.max_points ?? 1_200)));
    const steps = Array.from({ length: Math.max(0, Math.floor((step - from) / stride) + 1) }, (_, i) => from + i * stride);
    return p.names.map((name, k) => ({ name, total: steps.length, steps: [...steps], values: steps.map((s) => Math.sin(s / 40 + k) + 2 + 0.3 * Math.sin(s * 12.9 * (k + 1))) }));
  };
  new PerformanceObserver((list) => {
    for (const e of list.getEntries() as (PerformanceEntry & { interactionId: number })[]) if (e.interactionId) state.slowest = Math.max(state.slowest, e.duration);
  }).observe({ type: 'event', durationThreshold: 16, buffered: false } as PerformanceObserverInit);
  const run = fake.invoke('runs.get', { id: 'live' }) as Promise<{ result: object }>;
  setInterval(() => void run.then(({ result }) => {
    fake.calls.length = 0; // the fake's own record must not count as the window's memory
    for (let k = 0; k < speed; k += 1) {
      step += 1;
      state.stepsStreamed += 1;
      const metrics = Object.fromEntries(names.map((name) => [name, Math.random()]));
      fake.emit('run.events', { run_id: 'live', events: [{ n: step + 1_000, at: Date.now(), type: 'step', step, metrics, seconds: 0.1, images_per_s: 8, eta_s: 100, memory: { rss_mb: 2_000, peak_rss_mb: 2_100, tensors: 900 } }] });
      fake.emit('runs.changed', { run: { ...result, step, stage: null } as never });
    }
  }), 100);
  fake.emit('run.events', { run_id: 'live', events: [{ n: 999, at: 1, type: 'sample', step: 400, file: 'x', prompt: 'x', negative_prompt: '', prompt_index: 0, seed: 1, ema: false, width: 64, height: 64, sha256: 'a' }] });
}
