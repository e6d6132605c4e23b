/** The dialects by their names in the configuration: one file each, which says whose documentation it follows. */
import type { DialectName } from '../../src/config/forwarding-keys.ts'
import { awsAlb } from './aws-alb.ts'
import type { Dialect } from './dialect.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { rfc9440 } from './rfc9440.ts'
import { traefik } from './traefik.ts'
import { xfcc } from './xfcc.ts'

export const dialects: Readonly<Record<DialectName, Dialect>> = { rfc9440, xfcc, nginx, traefik, 'aws-alb': awsAlb, haproxy }
