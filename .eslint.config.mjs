// The lint rules: typescript-eslint's type-checked strict set, plus the house style as far as a rule exists for it.
// Run as `eslint -c .eslint.config.mjs .`; type errors are `tsc --noEmit`'s, the layers are test/architecture.test.ts's.
import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['node_modules/**', 'certs/**', 'coverage/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      'eqeqeq': 'error',
      'no-console': 'error',
      'no-constructor-return': 'error',
      'no-else-return': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      'no-param-reassign': 'error',
      'no-promise-executor-return': 'error',
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-unmodified-loop-condition': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'max-lines': ['error', { max: 400 }],
      // Scanners and decoders match control characters on purpose.
      'no-control-regex': 'off',
      'no-restricted-imports': ['error',
        { patterns: [{ regex: '^(fs|path|net|tls|http|https|crypto|url|util|os|stream|events|buffer)$', message: 'Write node:…' }] }],
      'no-restricted-syntax': ['error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        { selector: 'ExportAllDeclaration', message: 'No barrels.' },
        { selector: 'TSEnumDeclaration', message: 'A union of literals instead.' },
      ],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-floating-promises': ['error', {
        allowForKnownSafeCalls: [
          { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach',
            'afterEach'] },
        ],
      }],
      // `return report(…)` leaves early and says why, in one line.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // fast-xml-parser was asked for; its builder is to become a package of its own.
      '@typescript-eslint/no-deprecated': ['error', { allow: [{ from: 'package', package: 'fast-xml-parser', name: 'XMLBuilder' }] }],
      // Enums stand in other people's type declarations only.
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // Our interfaces are structural.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: false, allowNullish: false }],
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      // A union is switched over entirely, or says in a `default` what happens to the rest.
      '@typescript-eslint/switch-exhaustiveness-check': ['error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false }],
      // `noUncheckedIndexedAccess` already says where an index may miss; a `while (true)` is a loop with its exits inside.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
    },
  },
  {
    // A catalogue may hold a single entry, for which its look-up by name is "always true".
    files: ['src/**/catalogue.ts'],
    rules: { '@typescript-eslint/no-unnecessary-condition': 'off' },
  },
  {
    // Fastify takes an async function for a plugin without `done`.
    files: ['plugins/**/*.ts'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-template-curly-in-string': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      'no-console': 'off',
    },
  },
  {
    // The process, its commands and the benchmarks talk to a terminal.
    files: ['src/main.ts', 'src/commands/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.base],
    rules: { 'eqeqeq': 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-undef-init': 'error' },
  },
)
