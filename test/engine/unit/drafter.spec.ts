import { Drafter } from '../../../src/engine/batching/drafter.js';
import { Sequence } from '../../../src/engine/batching/sequence.js';

const PASSAGE = Array.from({ length: 60 }, (_, i) => 100 + i);

/** How long each draft is while an answer says `answer`, each step adding what was drafted rightly and one token. */
function draftLengths(prompt: readonly number[], answer: readonly number[], most: number): number[] {
  const sequence = new Sequence(1, prompt);
  const drafter = new Drafter(sequence, most);
  const lengths: number[] = [];
  while (sequence.generated.length < answer.length) {
    const said = sequence.generated.length;
    const draft = drafter.draft(answer.length - said - 1);
    const wrong = draft.findIndex((token, i) => token !== answer[said + i]);
    const right = wrong < 0 ? draft.length : wrong;
    sequence.generated.push(...answer.slice(said, said + right + 1));
    lengths.push(draft.length);
  }
  return lengths;
}

describe('drafts', () => {
  it('of an answer that copies its prompt grow as long as they may be', () => {
    // Two tokens to find the place, one to see that it is right.
    expect(draftLengths([1, ...PASSAGE, 2], PASSAGE.slice(0, 32), 8)).toEqual([0, 0, 0, 2, 6, 8, 8, 0]);
  });

  it('of an answer that repeats nothing are none', () => {
    const lengths = draftLengths([1, 2, 3], PASSAGE, 8);
    expect(lengths).toEqual(new Array(PASSAGE.length).fill(0));
  });

  it('stop when they are wrong, until a prediction was right again', () => {
    const sequence = new Sequence(1, [...PASSAGE, 1, ...PASSAGE.slice(0, 2)]);
    const drafter = new Drafter(sequence, 8);
    expect(drafter.draft(8)).toEqual([]);
    sequence.generated.push(PASSAGE[2]);
    expect(drafter.draft(8)).toEqual(PASSAGE.slice(3, 5));
    // Wrong at once.
    sequence.generated.push(2, ...PASSAGE.slice(20, 22));
    expect(drafter.draft(8)).toEqual([]);
    sequence.generated.push(PASSAGE[22]);
    expect(drafter.draft(8)).toEqual(PASSAGE.slice(23, 25));
  });

  it('that were right in part are followed by one of twice that', () => {
    const sequence = new Sequence(1, [...PASSAGE, 1, ...PASSAGE.slice(0, 2)]);
    const drafter = new Drafter(sequence, 16);
    for (const said of [PASSAGE.slice(2, 3), PASSAGE.slice(3, 6), PASSAGE.slice(6, 13)]) {
      drafter.draft(16);
      sequence.generated.push(...said);
    }
    expect(drafter.draft(16)).toHaveLength(14);
    sequence.generated.push(...PASSAGE.slice(13, 15), 3, ...PASSAGE.slice(20, 22));
    expect(drafter.draft(16)).toEqual(PASSAGE.slice(22, 26));
  });

  it('are no longer than there is room', () => {
    const sequence = new Sequence(1, [...PASSAGE, 1, ...PASSAGE.slice(0, 2)]);
    const drafter = new Drafter(sequence, 8);
    drafter.draft(8);
    sequence.generated.push(PASSAGE[2]);
    expect(drafter.draft(1)).toEqual([PASSAGE[3]]);
    sequence.generated.push(...PASSAGE.slice(3, 5));
    expect(drafter.draft(0)).toEqual([]);
  });
});
