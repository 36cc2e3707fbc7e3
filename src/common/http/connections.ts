import type { Socket } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** What was said last has this long to reach its reader. */
const LAST_ANSWERS_MS = 2_000;

/**
 * Lets the end of the server wait for answers on their way, and for nothing else. Node would also wait for connections
 * on which no request ever came or one came half, until it finds them too slow, and for readers that do not read, for
 * ever.
 */
export function useConnections(app: NestFastifyApplication, lastAnswersMs = LAST_ANSWERS_MS): void {
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
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('preClose', (done) => {
      closing = true;
      for (const [socket, due] of connections) if (due === 0) socket.destroy();
      const end = (): void => {
        for (const socket of connections.keys()) socket.destroy();
      };
      setTimeout(end, lastAnswersMs).unref();
      done();
    });
}
