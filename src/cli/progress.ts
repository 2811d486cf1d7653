import type { AuditProgress } from '../audit/audit.js';

const seconds = (milliseconds: number): string => {
  const whole = Math.max(0, Math.round(milliseconds / 1000));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

/** What a progress line says: phase, samples (or other things) done and the time left at the pace so far; `before` were done when the time began. */
export function progressLine(
  { phase, done, total }: AuditProgress,
  elapsed: number,
  things = 'samples',
  before = 0,
): string {
  if (phase === 'weights') return 'reading the weights';
  if (phase === 'proof') return 'proving bounds';
  if (phase === 'timing') return 'timing the model with and without tiny weights';
  if (total === null) return `${done} ${things}, ${seconds(elapsed)}`;
  const left = done > before ? `, ${seconds((elapsed / (done - before)) * (total - done))} left` : '';
  return `${done} of ${total} ${things}${left}`;
}

/** Shows progress on one line of a terminal, rewritten in place; on anything else it shows nothing. `before` were done earlier, in another run. */
export function progressOn(
  stream: NodeJS.WriteStream,
  things = 'samples',
  before = 0,
): { show(progress: AuditProgress): void; clear(): void } {
  if (!stream.isTTY) return { show() {}, clear() {} };
  const start = performance.now();
  let last = 0;
  return {
    show(progress) {
      const now = performance.now();
      if (progress.done > 0 && progress.done !== progress.total && now - last < 100) return;
      last = now;
      stream.write(`\r\x1b[2K${progressLine(progress, now - start, things, before)}`);
    },
    clear: () => void stream.write('\r\x1b[2K'),
  };
}
