// How a password stands in MongooseIM's table: its serialisation, read and written to the byte.
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { rowWith } from '../../src/auth/accounts/new-password.ts'
import { parseScramPassword, readUserRow, scramPasswordOf, secretWith, serialiseScramPassword } from '../../src/auth/accounts/stored-password.ts'
import { isPasswordOf, keyLength, maxIterations, scramHashes } from '../../src/auth/scram-secret.ts'
import type { ScramHash, ScramSecret } from '../../src/auth/scram-secret.ts'

/** The examples of MongooseIM's documentation ("SCRAM serialization format"). */
const padthai = '==MULTI_SCRAM==,4096,'
  + '===SHA1===QClQsw/sfPEnwj4AEp6E1w==|ys1104hRhqMoRputBY5sLHKXoSw=|EJvxXWM42tO7BgW21lNZyBc1dD0=,'
  + '==SHA224==dk0ImXFVPoUfqD5FveV7YA==|G0ibQ/YYuCtoun4I+1IF2zJ7Q8x2T23ETnq5Gg==|EvE2EkZcUb3k4CooeOcVFy95P32t+NDX0xbQUA==,'
  + '==SHA256==M7BYKSo04XbzBr4C7b056g==|A779MC05nSGQln5no0hKTGHFSaQ7oguKBZgORW3s+es=|XhtGFf6NDWsnVSCO4xkzPD3qc046fPL0pATZi7RmaWo=,'
  + '==SHA384==Ryu0fA29gbwgqFOBk5Mczw==|k3QwC0Lb1y1/V/31byC5KML5t3mH4JTPjFyeAz7lV2l4SPfzi3JHvLEdoNB5K/VY'
  + '|kR+LMI/E0QBG3oF405/MTAT6NAlCOfPrFOaWH3WBVGM0Viu9Brk6kGwVwXjSP8v0,'
  + '==SHA512==SLNuVNcWiNBmnYZNIdj+zg==|3ey3gzSsmbxcLnoc1VKCR/739uKX6uuPCyAzn6x8o87ibcjOdUaU8qhL5X4MUI9UPTt667GagNpVTmAWTFNsjA=='
  + '|jUUDbuQ9ae4UnAWS6RV6W4yifX3La3ESjfZjGol+TBROIb/ihR8UawPHrSHkp4yyDJXtRhR9RlHCHy4bcCm1Yg=='
const misio = '==SCRAM==,tmi5IE+9pceRV/jkPLFHEaVY33c=,MiWNa8T3dniVDwmh77ufJ41fpAQ=,inKXODlSY5y5SCsLxibi0w==,4096'

describe('the examples of MongooseIM\'s documentation', () => {
  test('every hash that we speak is of the password that is told, the others are kept, and it is written as it was read', async () => {
    const password = parseScramPassword(padthai)
    assert.ok(password !== null)
    assert.deepEqual([password.iterations, password.entries.map(({ hash }) => hash)], [4096, ['sha1', null, 'sha256', null, 'sha512']])
    for (const hash of scramHashes) {
      const secret: ScramSecret = secretWith(hash, password)!
      assert.equal(await isPasswordOf(hash, secret, 'padthai'), true, hash)
      assert.equal(await isPasswordOf(hash, secret, 'padthaj'), false, hash)
    }
    assert.equal(serialiseScramPassword(password), padthai)
  })

  test('the form of before 3.7 is SHA-1 alone', async () => {
    const password = parseScramPassword(misio)
    assert.ok(password !== null)
    assert.deepEqual([password.iterations, secretWith('sha256', password), secretWith('sha512', password)], [4096, null, null])
    assert.equal(await isPasswordOf('sha1', secretWith('sha1', password)!, 'misio'), true)
    assert.equal(serialiseScramPassword(password),
      '==MULTI_SCRAM==,4096,===SHA1===inKXODlSY5y5SCsLxibi0w==|tmi5IE+9pceRV/jkPLFHEaVY33c=|MiWNa8T3dniVDwmh77ufJ41fpAQ=')
  })
})

describe('a row', () => {
  test('pass_details counts where there is any; without it the password is plain text', () => {
    assert.equal(readUserRow({ password: 'left over', passDetails: misio })?.kind, 'scram')
    assert.deepEqual(readUserRow({ password: 'padthai', passDetails: null }), { kind: 'plain', password: 'padthai' })
  })
  test('broken details never fall back to the plain text beside them', () => {
    for (const passDetails of ['', ' ', 'null', `${misio}x`]) assert.equal(readUserRow({ password: 'padthai', passDetails }), null)
  })
  test('nothing at all is no password, in particular not the empty one', () => {
    assert.equal(readUserRow({ password: '', passDetails: null }), null)
  })
})

describe('what is not well formed is no password', () => {
  const sha1 = '===SHA1===QClQsw/sfPEnwj4AEp6E1w==|ys1104hRhqMoRputBY5sLHKXoSw=|EJvxXWM42tO7BgW21lNZyBc1dD0='
  const bad: Readonly<Record<string, string>> = {
    'nothing': '', 'the prefix alone': '==MULTI_SCRAM==,', 'no hash': '==MULTI_SCRAM==,4096', 'an empty hash': '==MULTI_SCRAM==,4096,',
    'a prefix of another case': padthai.replace('MULTI', 'multi'), 'something before it': ` ${padthai}`, 'a line end after it': `${padthai}\n`,
    'no count': `==MULTI_SCRAM==,,${sha1}`, 'a count of 0': `==MULTI_SCRAM==,0,${sha1}`, 'a negative count': `==MULTI_SCRAM==,-1,${sha1}`,
    'a count with a sign': `==MULTI_SCRAM==,+4096,${sha1}`, 'a count with a space': `==MULTI_SCRAM==, 4096,${sha1}`, 'a count in hex': `==MULTI_SCRAM==,0x1000,${sha1}`,
    'a count with a zero before it': `==MULTI_SCRAM==,04096,${sha1}`, 'a count of a thousand million': `==MULTI_SCRAM==,1000000000,${sha1}`,
    'a count beyond the limit': `==MULTI_SCRAM==,${maxIterations + 1},${sha1}`, 'a fraction': `==MULTI_SCRAM==,4096.5,${sha1}`,
    'a hash twice': `==MULTI_SCRAM==,4096,${sha1},${sha1}`, 'a part too few': `==MULTI_SCRAM==,4096,${sha1.replace(/\|[^|]*$/, '')}`,
    'a part too many': `==MULTI_SCRAM==,4096,${sha1}|AAAA`, 'a key of another hash': padthai.replace('==SHA256==', '==SHA512==').replace(/,==SHA512==[^,]*$/, ''),
    'a key too short': `==MULTI_SCRAM==,4096,${sha1.replace('|ys11', '|')}`, 'an empty salt': `==MULTI_SCRAM==,4096,${sha1.replace('QClQsw/sfPEnwj4AEp6E1w==', '')}`,
    'base64 without its padding': `==MULTI_SCRAM==,4096,${sha1.replaceAll('=|', '|')}`, 'base64 with a space': `==MULTI_SCRAM==,4096,${sha1.replace('QClQ', 'QCl Q')}`,
    'base64 with bits that mean nothing': `==MULTI_SCRAM==,4096,${sha1.replace('dD0=', 'dD1=')}`, 'base64 for URLs': `==MULTI_SCRAM==,4096,${sha1.replace('w/s', 'w_s')}`,
    'a salt that is too long': `==MULTI_SCRAM==,4096,${sha1.replace('QClQsw/sfPEnwj4AEp6E1w==', Buffer.alloc(300).toString('base64'))}`,
    'only hashes that we do not speak': `==MULTI_SCRAM==,4096,${padthai.split(',')[3]!}`, 'no label': `==MULTI_SCRAM==,4096,${sha1.replace('===SHA1===', '')}`,
    'what is endless, if well formed': `${padthai},==SHA3-512==${'A'.repeat(10_000)}`, 'the old form with three parts': misio.replace(/,4096$/, ''), 'the old form with five parts': `${misio},1`,
    'the old form in the order of the new': '==SCRAM==,4096,inKXODlSY5y5SCsLxibi0w==,tmi5IE+9pceRV/jkPLFHEaVY33c=,MiWNa8T3dniVDwmh77ufJ41fpAQ=',
  }
  for (const [what, text] of Object.entries(bad)) test(what, () => { assert.equal(parseScramPassword(text), null) })

  test('a hash of the future is kept as it is', () => {
    const text = `==MULTI_SCRAM==,4096,${sha1},==SHA3-512==whatever|it|is`
    assert.equal(serialiseScramPassword(parseScramPassword(text)!), text)
  })

  test('one character more, less or other is never read as something else than it says', () => {
    fc.assert(fc.property(fc.constantFrom(padthai, misio), fc.nat(), fc.constantFrom('', ',', '|', '=', 'A', '0', '\0', '\n', 'é'), (text, place, put) => {
      const at = place % text.length
      const changed = text.slice(0, at) + put + text.slice(at + 1)
      const password = parseScramPassword(changed)
      if (password !== null && changed.startsWith('==MULTI')) assert.equal(serialiseScramPassword(password), changed)
    }))
  })
})

const secretOfHash = (hash: ScramHash, iterations: number): fc.Arbitrary<ScramSecret> => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  return fc.record({ salt: fc.uint8Array({ minLength: 1, maxLength: 64 }), iterations: fc.constant(iterations), storedKey: bytes(keyLength[hash]), serverKey: bytes(keyLength[hash]) }, { noNullPrototype: true })
}

describe('what is written', () => {
  test('is read as the same, for every set of hashes', () => {
    const arbitrary = fc.tuple(fc.uniqueArray(fc.constantFrom(...scramHashes), { minLength: 1 }), fc.integer({ min: 1, max: maxIterations }))
      .chain(([hashes, iterations]) => fc.tuple(...hashes.map(hash => secretOfHash(hash, iterations).map(secret => [hash, secret] as const))))
    fc.assert(fc.property(arbitrary, entries => {
      const password = scramPasswordOf(new Map(entries))
      const text = serialiseScramPassword(password)
      assert.deepEqual(parseScramPassword(text), password)
      assert.deepEqual(password.entries.map(({ hash }) => hash), scramHashes.filter(hash => entries.some(([of]) => of === hash)))
    }))
  })

  test('shares one iteration count: there is only one in the serialisation', () => {
    const secret = (iterations: number): ScramSecret => ({ salt: new Uint8Array(16), iterations, storedKey: new Uint8Array(20), serverKey: new Uint8Array(20) })
    assert.throws(() => scramPasswordOf(new Map([['sha1', secret(4096)], ['sha256', secret(10_000)]])), RangeError)
    assert.throws(() => scramPasswordOf(new Map()), RangeError)
  })

  test('of a new password has a salt of its own for each hash, and leaves the plain text empty', async () => {
    let made = 0
    const { password, passDetails } = await rowWith('пароль', { hash: ['sha256', 'sha1', 'sha512'], scram_iterations: 4096 }, length => new Uint8Array(length).fill(++made))
    assert.equal(password, '')
    // Computed here once more, by RFC 5802 §3.
    const expected = (hash: ScramHash, fill: number): string => {
      const salted = pbkdf2Sync('пароль', new Uint8Array(16).fill(fill), 4096, keyLength[hash], hash)
      const key = (text: string) => createHmac(hash, salted).update(text).digest()
      return [Buffer.alloc(16, fill), createHash(hash).update(key('Client Key')).digest(), key('Server Key')].map(bytes => bytes.toString('base64')).join('|')
    }
    assert.equal(passDetails, `==MULTI_SCRAM==,4096,===SHA1===${expected('sha1', 2)},==SHA256==${expected('sha256', 1)},==SHA512==${expected('sha512', 3)}`)
  })
})
