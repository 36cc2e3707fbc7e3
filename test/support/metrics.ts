/** What a server says of itself in Prometheus' text format. */
export class Scrape {
  private readonly values: ReadonlyMap<string, number>;

  constructor(readonly text: string) {
    this.values = new Map(
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => {
          const end = line.lastIndexOf(' ');
          return [
            line
              .slice(0, end)
              .replace(/,?model_name="[^"]*"/, '')
              .replace('{}', ''),
            Number(line.slice(end + 1)),
          ];
        }),
    );
  }

  /** The value of a sample, by its name with its labels but `model_name`; undefined when there is none. */
  of(sample: string): number | undefined {
    return this.values.get(sample);
  }

  /** The metrics that exist, without labels; histograms as their three series. */
  get names(): ReadonlySet<string> {
    const declared = [...this.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    return new Set(
      declared.flatMap(([, name, type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    );
  }
}
