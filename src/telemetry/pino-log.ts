/** The log of the running process: one JSON object a line for machines, readable lines on a terminal. */
import { pino, stdSerializers } from 'pino'
import pretty from 'pino-pretty'
import type { Log } from './log.ts'

export interface PinoLogOptions {
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  /** Lines for people instead of JSON. */
  readonly readable: boolean
}

/** A second line of defence: none of these is ever given to a log on purpose. */
const secrets = ['password', 'passphrase', 'secret', 'token', 'ticket', 'payload', 'body', 'authorization', 'cookie']

export function pinoLog({ level, readable }: PinoLogOptions): Log {
  const stream = readable
    ? pretty({ colorize: true, ignore: 'pid,hostname,event', messageFormat: '{event}', translateTime: 'SYS:HH:MM:ss.l', singleLine: true, sync: true })
    : process.stdout
  const base = pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: stdSerializers.err, cause: cause => cause instanceof Error ? stdSerializers.err(cause) : cause as unknown },
    formatters: { level: label => ({ level: label }) },
    redact: { paths: secrets.flatMap(name => [name, `*.${name}`]), censor: '[redacted]' },
  }, stream)
  return {
    debug(event) { base.debug(event) },
    info(event) { base.info(event) },
    warn(event) { base.warn(event) },
    error(event) { base.error(event) },
  }
}
