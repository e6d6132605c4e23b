// A benchmark's processes talk over Node's IPC: requests by name, each with one answer. Nothing is said while something is measured.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { execPath } from 'node:process'

export type Methods = Readonly<Record<string, (argument: never) => unknown>>

interface Request { readonly id: number, readonly method: string, readonly argument: unknown }
interface Answer { readonly id: number, readonly value?: unknown, readonly problem?: string }

/** In the child: answers the parent's calls, and ends with it. The channel alone keeps no process alive. */
export function answerCalls(methods: Methods): void {
  process.on('message', (request: Request) => {
    const method = methods[request.method] as ((argument: unknown) => unknown) | undefined
    if (method === undefined) return
    const answer = (rest: Omit<Answer, 'id'>) => { process.send?.({ id: request.id, ...rest } satisfies Answer) }
    Promise.resolve(request.argument).then(method).then(
      value => { answer({ value }) },
      (error: unknown) => { answer({ problem: error instanceof Error ? error.stack ?? error.message : String(error) }) })
  })
  process.on('disconnect', () => { process.exit() })
}

/** Whether server and client can have a core each; the reason where they cannot. */
export const pinning: { readonly isPossible: boolean, readonly note: string } = (() => {
  if (availableParallelism() < 2) return { isPossible: false, note: 'one core only: server and client share it, so latencies mean little' }
  if (spawnSync('taskset', ['-c', '1', execPath, '--version']).status !== 0) {
    return { isPossible: false, note: 'no taskset: server and client are not pinned to a core each' }
  }
  return { isPossible: true, note: 'server on core 0, client on core 1' }
})()

/** A call that takes longer has failed. */
const patience = 120_000

export interface ChildOptions {
  readonly core: 0 | 1
  /** What Node is started with: options, module, arguments. */
  readonly node: readonly string[]
  readonly cwd?: string
}

export class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>()
  readonly #exited: Promise<void>
  #lastId = 0
  #stderr = ''
  #heard: (() => void) | null = null

  constructor({ core, node, cwd }: ChildOptions) {
    const command = pinning.isPossible ? ['taskset', '-c', String(core), execPath, ...node] : [execPath, ...node]
    const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], ...cwd === undefined ? {} : { cwd } })
    this.#process = child
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-20_000)
      this.#heard?.()
    })
    child.on('message', ({ id, value, problem }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (problem === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(problem))
    })
    this.#exited = new Promise(resolve => {
      const end = () => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`a process of the benchmark ended: ${this.#stderr}`))
        this.#waiting.clear()
        this.#heard?.()
        resolve()
      }
      child.once('exit', end)
      child.once('error', end)
    })
  }

  call<Value>(method: string, argument?: unknown): Promise<Value> {
    const id = ++this.#lastId
    return withDeadline(new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#process.send({ id, method, argument } satisfies Request, error => { if (error !== null) reject(error) })
    }), `"${method}" took too long`) as Promise<Value>
  }

  /** The first match in what the process says on stderr. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stderr)
      if (match !== null) return match
      if (this.#process.exitCode !== null) throw new Error(`a process of the benchmark ended: ${this.#stderr}`)
      await withDeadline(new Promise<void>(resolve => { this.#heard = resolve }), 'a process of the benchmark does not start')
    }
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill('SIGKILL')
    await this.#exited
  }
}

function withDeadline<Value>(promise: Promise<Value>, problem: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  return Promise.race([promise, new Promise<never>((_resolve, reject) => { timer = setTimeout(() => { reject(new Error(problem)) }, patience) })])
    .finally(() => { clearTimeout(timer) })
}
