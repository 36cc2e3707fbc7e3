import { Agent, request } from 'node:http';

/** The client's side: its connections are kept until `close`. */
export class Http {
  agent = new Agent({ keepAlive: true });

  constructor(url) {
    this.url = url;
  }

  /**
   * @param body JSON, or a string as it is; nothing for GET
   * @returns the answer, whose body is not read
   */
  send(path, body, { signal, headers } = {}) {
    const text = typeof body === 'string' ? body : body && JSON.stringify(body);
    const options = {
      agent: this.agent,
      signal,
      method: text === undefined ? 'GET' : 'POST',
      headers: text === undefined ? headers : { 'content-type': 'application/json', ...headers },
    };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, options, resolve);
      sent.once('error', (error) => {
        // A connection that was kept may be closed by the server just as it is used again.
        if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(this.send(path, body, { signal, headers }));
        else reject(error);
      });
      sent.end(text);
    });
  }

  async text(path, body, options) {
    const response = await this.send(path, body, options);
    response.setEncoding('utf8');
    let text = '';
    for await (const part of response) text += part;
    return { status: response.statusCode, text };
  }

  /** @throws {Error} unless the answer is a 200 in JSON */
  async json(path, body) {
    const { status, text } = await this.text(path, body);
    if (status !== 200) throw new Error(`${path} answers ${status}: ${text.slice(0, 200)}`);
    return JSON.parse(text);
  }

  /** What the events of a stream say, without the `[DONE]` that some end with. */
  async events(path, body) {
    const { status, text } = await this.text(path, body);
    if (status !== 200) throw new Error(`${path} answers ${status}: ${text.slice(0, 200)}`);
    const data = text.split('\n').filter((line) => line.startsWith('data:'));
    return data
      .map((line) => line.slice('data:'.length).trim())
      .filter((line) => line !== '[DONE]')
      .map(JSON.parse);
  }

  close() {
    this.agent.destroy();
  }
}
