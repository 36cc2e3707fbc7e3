import type { LoadProgress } from '../types.js';
import type { LoadPhaseMessage } from './protocol.js';

const INTERVAL_MS = 2_000;
/** The small files take next to no part of a load. */
const PERCENT_BEFORE = { files: 0, weights: 1 } as const;
const MOST_PERCENT = 99;

/**
 * Tells how far a load has come. The runtime takes in the weights in one call that reports nothing, so this watches
 * what it does to the process: its resident memory grows evenly towards a size that is known beforehand.
 */
export class LoadMeter {
  private readonly started = performance.now();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly report: (progress: LoadProgress) => void,
    private readonly residentMemory: () => number = () => process.memoryUsage.rss(),
  ) {}

  begin({ phase, expectedGrowth }: LoadPhaseMessage): void {
    this.end();
    const before = this.residentMemory();
    const tell = (): void => {
      const grown = expectedGrowth > 0 ? (this.residentMemory() - before) / expectedGrowth : 0;
      const percent = PERCENT_BEFORE[phase] + Math.round(100 * Math.max(0, grown));
      this.report({
        phase,
        percent: Math.min(percent, MOST_PERCENT),
        seconds: (performance.now() - this.started) / 1000,
      });
    };
    tell();
    this.timer = setInterval(tell, INTERVAL_MS);
    this.timer.unref();
  }

  end(): void {
    clearInterval(this.timer);
  }
}
