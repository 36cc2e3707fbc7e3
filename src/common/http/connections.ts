import type { Socket } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** What was said last has this long to reach its reader. */
const LAST_ANSWERS_MS = 2_000;

export interface ConnectionOptions {
  /** Seconds that a client may leave unread what it was sent; 0 for ever. */
  readonly readTimeout: number;
}

/**
 * Lets the end of the server wait for answers on their way, and for nothing else. Node would also wait for connections
 * on which no request ever came or one came half, until it finds them too slow, and for readers that do not read, for
 * ever. A client that does not read its answer loses it after a while, and with it what it holds.
 */
export function useConnections(app: NestFastifyApplication, { readTimeout }: ConnectionOptions): void {
  const server = app.getHttpServer();
  /** With the number of answers that are due on each. */
  const connections = new Map<Socket, number>();
  let closing = false;
  const add = (socket: Socket, answers: number): void => {
    const due = connections.get(socket);
    if (due === undefined) return;
    connections.set(socket, due + answers);
    if (closing && due + answers === 0) socket.destroySoon();
  };
  server.on('connection', (socket: Socket) => {
    connections.set(socket, 0);
    socket.once('close', () => connections.delete(socket));
    // One that was on its way when the server stopped to listen.
    if (closing) socket.destroy();
  });
  server.on('request', ({ socket }, response) => {
    add(socket, 1);
    response.once('close', () => add(socket, -1));
  });
  const fastify = app.getHttpAdapter().getInstance();
  // From here on bytes move, if only those of pings, unless the client does not take them.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (readTimeout > 0) reply.raw.setTimeout(1000 * readTimeout, () => reply.raw.destroy());
    done(null, payload);
  });
  fastify.addHook('preClose', (done) => {
    closing = true;
    for (const [socket, due] of connections) if (due === 0) socket.destroy();
    const end = (): void => {
      for (const socket of connections.keys()) socket.destroy();
    };
    setTimeout(end, LAST_ANSWERS_MS).unref();
    done();
  });
}
