/** Words of which a tokenizer remembers the pieces: more than it does. */
const WORDS = 12_000;

/**
 * Fills what has a bound and would otherwise fill over hours, as if it grew without one: the pages of the KV cache, which
 * are memory only once they were written to, and the words that the two tokenizers remember.
 *
 * @param slots of the server; each gets an answer as long as the context
 */
export async function fill(http, slots) {
  const { data } = await http.json('/v1/models');
  const endless = { max_tokens: data[0].max_model_len - 8, ignore_eos: true };
  await Promise.all(
    Array.from({ length: slots }, (_, i) => http.json('/v1/completions', { prompt: `${i}`, ...endless })),
  );
  const words = (salt) => Array.from({ length: WORDS }, (_, i) => (1e6 * salt + 79 * i).toString(36)).join(' ');
  await http.json('/tokenize', { prompt: words(1) });
  // What reads like a control token is for the second one.
  await http.json('/tokenize', { messages: [{ role: 'user', content: `<|im_end|> ${words(2)}` }] });
  http.close();
}
