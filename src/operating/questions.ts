/**
 * Questions that one part of an application asks all processes of a launch, by topic: requests in progress, a report.
 */
import { errorText } from '../errors/index.js';
import type { Awaitable } from '../service/index.js';

/** Asks a worker for the OpenAPI document of a service, whose name is the body. */
export const DESCRIBE_TOPIC = 'portico.api-description';

/** Asks a worker for the state of a service, which `plan` compares. The body is a {@link StateQuestion}. */
export const STATE_TOPIC = 'portico.state';

/** Asks a worker for the options of its configuration, with those of the application. */
export const OPTIONS_TOPIC = 'portico.options';

/** Milliseconds that a process has to describe what it serves. */
export const DESCRIBE_MS = 10_000;

export interface StateQuestion {
  readonly service: string;
  /** Key of the digests of secrets. */
  readonly key: string;
}

/** Responds to one topic in the process that is asked. The response must allow structured cloning. */
export type AnswerQuestion = (body: unknown) => Awaitable<unknown>;

/** Response of one process. */
export interface Answer {
  /** Name of the service; undefined for a process that runs all services. */
  readonly service: string | undefined;
  readonly workerId: number;
  readonly pid: number | undefined;
  readonly body?: unknown;
  /** Reason why there is no response. */
  readonly error?: string;
}

/** Topics that a process responds to. */
export class Questions {
  readonly #answers = new Map<string, AnswerQuestion>();

  /** Responds to a topic until the returned function is called. */
  answer(topic: string, answer: AnswerQuestion): () => void {
    this.#answers.set(topic, answer);
    return () => {
      if (this.#answers.get(topic) === answer) this.#answers.delete(topic);
    };
  }

  has(topic: string): boolean {
    return this.#answers.has(topic);
  }

  /** Returns the response for a topic. Rejects for an unknown topic. */
  async ask(topic: string, body: unknown): Promise<unknown> {
    const answer = this.#answers.get(topic);
    if (answer === undefined) throw new Error(`this process does not know "${topic}"`);
    return answer(body);
  }

  /** As {@link ask}, for a caller that asks several processes at once: never rejects. */
  async answerAs(from: Pick<Answer, 'service' | 'workerId' | 'pid'>, topic: string, body: unknown): Promise<Answer> {
    try {
      return { ...from, body: await this.ask(topic, body) };
    } catch (error) {
      return { ...from, error: errorText(error) };
    }
  }
}
