/** `[auth.ldap]`: accounts in a directory. Names follow MongooseIM's `auth.ldap` and `outgoing_pools.ldap`. */
import Type from 'typebox'

import { outgoingTlsOptions } from '../outgoing-tls.ts'

const attribute = (description: string) => Type.String({ minLength: 1, maxLength: 255, allowed: 'the name of an attribute', description })

export const ldapOptions = Type.Object({
  servers: Type.Array(Type.String({ minLength: 1, maxLength: 512, allowed: '"ldaps://host", "ldap://host:port" or a host name' }), {
    minItems: 1, uniqueItems: true, description: 'The servers, which all say the same: asked in this order, the next one when one cannot be reached.',
  }),
  port: Type.Optional(Type.Integer({
    minimum: 1, maximum: 65_535, description: 'Where `servers` has no port. Without it: 636 for TLS from the beginning, otherwise 389.',
  })),
  encrypt: Type.Enum(['none', 'starttls', 'tls'], {
    default: 'none', description: 'For servers that are not written as `ldaps://…`, which is always `tls`.',
  }),
  rootdn: Type.Optional(Type.String({
    minLength: 1, maxLength: 4096, description: 'Who searches. Without it the search is anonymous.',
  })),
  password: Type.Optional(Type.String({ secret: true, minLength: 1, description: 'The password of `rootdn`. Better: `password_file`.' })),
  password_file: Type.Optional(Type.String({ file: true, minLength: 1, description: 'File whose first line is the password of `rootdn`.' })),
  base: Type.String({ minLength: 1, maxLength: 4096, description: 'The entry below which the accounts are.' }),
  uids: Type.Array(Type.Object({
    attr: attribute('The attribute.'),
    format: Type.String({
      default: '%u', minLength: 2, maxLength: 512, allowed: 'a text with one %u, which stands for the name', description: 'What the attribute holds, for instance `%u@example.org`.',
    }),
  }, { description: 'Attributes that hold the user\'s name, the part of the JID before `@`: one of them has to. The search must be allowed to read them.' }), {
    default: [{ attr: 'uid', format: '%u' }], minItems: 1, description: 'Where the user\'s name stands.',
  }),
  filter: Type.Optional(Type.String({
    minLength: 1, maxLength: 8192, allowed: 'a filter of RFC 4515', description: 'Which entries are accounts, for instance `(objectClass=inetOrgPerson)`. The name is added to it.',
  })),
  dn_filter: Type.Optional(Type.Object({
    filter: Type.String({
      minLength: 1, maxLength: 8192, allowed: 'a filter of RFC 4515',
      description: '`%u` stands for the name, `%d` for the domain, `%D` for the DN of the entry, each `%s` for the next of `attributes`.',
    }),
    attributes: Type.Array(attribute(''), { default: [], description: 'Attributes of the entry, for the `%s` of `filter` one after the other.' }),
  }, { description: 'A second search: the account only counts when this one finds anything.' })),
  local_filter: Type.Optional(Type.Object({
    operation: Type.Enum(['equal', 'notequal'], {
      description: '`equal`: the attribute has to have one of `values`. `notequal`: it must have none of them; capitals make no difference then.',
    }),
    attribute: attribute('Which attribute of the entry is looked at. The search must be allowed to read it.'),
    values: Type.Array(Type.String(), { minItems: 1, description: 'What it is compared with.' }),
  }, { description: 'A rule that the gateway checks itself.' })),
  request_timeout: Type.Integer({
    default: 2_000, minimum: 100, maximum: 60_000, unit: 'ms', description: 'The time for one login, whatever it takes: connecting, searching, trying the next server.',
  }),
  pool_size: Type.Integer({
    default: 10, minimum: 1, maximum: 1_000, unit: 'connections', description: 'Connections to each server: so many for searches, and so many again for checking passwords.',
  }),
  tls: outgoingTlsOptions,
}, { description: 'The method `ldap`: accounts in a directory. A certificate is accepted when the account exists, a password when the directory accepts it.' })

export type LdapOptions = Type.Static<typeof ldapOptions>
