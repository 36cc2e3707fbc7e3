import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answer, loadEngine } from '../support/engine.js';
import { editJson, fixture, TemporaryFolders } from '../support/folders.js';
import { golden } from '../support/golden.js';
import { readTensors, type Tensor, toFloat16, writeTensors } from '../support/safetensors.js';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** The tokens that a model folder answers the first cases of a fixture with. */
async function answersOf(folder: string, name: 'llama' | 'smollm3', count = 4): Promise<(readonly number[])[]> {
  const engine = await loadEngine(folder);
  const cases = golden(name).generate.slice(0, count);
  const answers = await Promise.all(
    cases.map(({ input_ids: ids, output_ids: expected }) =>
      answer(engine, { prompt: { kind: 'tokens', ids }, maxNewTokens: expected.length }),
    ),
  );
  await engine.dispose();
  return answers.map(({ ids }) => ids);
}

function expected(name: 'llama' | 'smollm3', count = 4): (readonly number[])[] {
  return golden(name)
    .generate.slice(0, count)
    .map(({ output_ids: ids, stops_after: length }) => ids.slice(0, length));
}

describe('a checkpoint', () => {
  it('in shards of float16 answers as the one file of bfloat16 does', async () => {
    const folder = folders.copyOf(fixture('smollm3'));
    const tensors = [...readTensors(folder)].map(([name, tensor]) => [name, toFloat16(tensor)] as const);
    rmSync(join(folder, 'model.safetensors'));
    const weightMap: Record<string, string> = {};
    for (let shard = 0; shard < 3; shard++) {
      const file = `model-0000${shard + 1}-of-00003.safetensors`;
      const some = tensors.filter((_, i) => i % 3 === shard);
      for (const [name] of some) weightMap[name] = file;
      writeTensors(join(folder, file), some);
    }
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    expect(await answersOf(folder, 'smollm3')).toEqual(expected('smollm3'));
  });

  describe('with biases', () => {
    /** The llama fixture with biases in attention and MLP, all of one value. */
    function withBiases(value: number): string {
      const folder = folders.copyOf(fixture('llama'));
      const tensors = readTensors(folder);
      for (const [name, { shape }] of [...tensors]) {
        if (!/(self_attn|mlp)\..*_proj\.weight$/.test(name)) continue;
        const bias: Tensor = {
          dtype: 'F32',
          shape: [shape[0]],
          data: Buffer.from(new Float32Array(shape[0]).fill(value).buffer),
        };
        tensors.set(name.replace(/weight$/, 'bias'), bias);
      }
      writeTensors(join(folder, 'model.safetensors'), tensors);
      editJson(join(folder, 'config.json'), { attention_bias: true, mlp_bias: true });
      return folder;
    }

    it('of zero answers as without', async () => {
      expect(await answersOf(withBiases(0), 'llama')).toEqual(expected('llama'));
    });

    it('of another value does not', async () => {
      expect(await answersOf(withBiases(0.5), 'llama')).not.toEqual(expected('llama'));
    });

    it('that the config does not know of is loaded with a warning', async () => {
      const folder = withBiases(0.5);
      editJson(join(folder, 'config.json'), { attention_bias: false, mlp_bias: false });
      const engine = await loadEngine(folder);
      expect(engine.info.warnings).toEqual([expect.stringMatching(/21 tensors .* have no use/) as string]);
      await engine.dispose();
    });
  });

  it('with a head of its own is not mistaken for one with a tied head', async () => {
    const folder = folders.copyOf(fixture('llama'));
    editJson(join(folder, 'config.json'), { tie_word_embeddings: true });
    expect(await answersOf(folder, 'llama')).not.toEqual(expected('llama'));
  });
});
