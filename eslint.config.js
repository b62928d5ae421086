import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/** Only composition roots know the process they run in; everything else is handed what it needs. */
const roots = [
  'agent/cli.ts',
  'server/cli.ts',
  'demo/**',
  'bench/**',
  'test/**',
  '**/*.test.ts',
  '**/*.config.ts',
]

export default tseslint.config(
  { ignores: ['**/dist/', 'var/', 'node_modules/'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-console': 'error',
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'Only the composition roots touch process.' },
      ],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
    },
  },
  {
    files: roots,
    rules: { 'no-restricted-globals': 'off', 'no-console': 'off', 'no-restricted-exports': 'off' },
  },
  {
    files: ['agent/page/client/public/*.js'],
    languageOptions: {
      globals: { caches: 'readonly', fetch: 'readonly', self: 'readonly', URL: 'readonly' },
    },
  },
  {
    files: ['*.cjs', '.*.cjs'],
    languageOptions: { globals: { module: 'writable' } },
  },
)
