/** The server in a control group of the kernel's, as in a container: what it does with less memory than its model needs. */
import { ControlGroup } from '../support/control-group.js';
import { TemporaryFolders } from '../support/folders.js';
import { writeLargeModel } from '../support/large-model.js';
import { ServerProcess } from '../support/server.js';

const MIB = 2 ** 20;
/** Of the model below, as float32. */
const WEIGHTS = 242 * MIB;
/** All else takes 75 to 140 MiB, by Node's version and by how much of the framework is there when the weights are. */
const OTHERWISE = 192 * MIB;

const reason = reasonAgainst();
if (reason !== undefined) console.warn(`SKIPPED: no control group can be made here: ${reason}`);

(reason === undefined ? describe : describe.skip)('a server in a control group', () => {
  const folders = new TemporaryFolders();
  let env: Record<string, string>;
  let group: ControlGroup | undefined;
  beforeAll(() => {
    const model = folders.create();
    writeLargeModel(model, { layers: 4, random: true });
    env = { MODEL_PATH: model, CACHE_DIR: 'none', MAX_MODEL_LEN: '256', MAX_BATCH_SIZE: '1' };
  });
  afterEach(() => {
    group?.remove();
    group = undefined;
  });
  afterAll(() => folders.remove());

  function start(bytes: number): ServerProcess {
    group = ControlGroup.create(bytes);
    return new ServerProcess(env, group.enter);
  }

  it.each([
    ['the weights', WEIGHTS - 20 * MIB],
    ['what they take while they load', 2 * WEIGHTS],
  ])(
    'that has less memory than %s says so in one line and ends with 1, before it would be killed',
    async (_, bytes) => {
      const server = start(bytes);
      expect(await server.exited).toEqual({ code: 1, signal: null });
      const faults = server.logs.filter(({ level }) => level !== 'info');
      const may = `the process may have ${(bytes / 2 ** 30).toFixed(2)} GiB of memory`;
      expect(faults).toMatchObject([{ level: 'fatal', msg: expect.stringContaining(may) as string }]);
      expect(faults[0].msg).toMatch(/the weights take 0\.24 GiB.*: give it more, or quantize the weights$/);
      expect(server.noise).toEqual([]);
    },
  );

  it('that has just enough starts, and answers', async () => {
    const server = start(2 * WEIGHTS + OTHERWISE);
    await server.log('model ready');
    const response = await server.post('/v1/completions', { prompt: 'x', max_tokens: 3, ignore_eos: true });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ usage: { completion_tokens: 3 } });
    expect(server.logs.filter(({ level }) => level !== 'info')).toEqual([]);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });
});

function reasonAgainst(): string | undefined {
  try {
    ControlGroup.create(MIB).remove();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
