import { type Automaton, buildAutomaton } from './automaton.js';
import { parseEbnf } from './ebnf.js';
import type { Grammar } from './grammar.js';
import { jsonSchemaNode } from './json-schema/json-schema.js';
import { anyObject } from './json-text.js';
import { regexNode } from './regex.js';
import { choice, invalid, type Rules, RuleSet, text } from './rules.js';
import { structuralTagNode } from './structural-tag.js';
import { NO_TOKENS, type TokenNames } from './token-names.js';

const MAX_CHOICES = 20_000;

/**
 * The automaton of a grammar. Takes tenths of a second for the largest that is allowed, and is done for each grammar once.
 *
 * @param tokens that it may name
 * @throws {EngineError} grammar_invalid, saying what is wrong with it
 */
export function compileGrammar(grammar: Grammar, tokens: TokenNames = NO_TOKENS): Automaton {
  try {
    return buildAutomaton(rulesOf(grammar, tokens));
  } catch (error) {
    // Every kind has limits of its own for its depth; this is for what they have not thought of.
    if (error instanceof RangeError) invalid('the grammar is nested too deeply');
    throw error;
  }
}

function rulesOf(grammar: Grammar, tokens: TokenNames): Rules {
  const rules = new RuleSet();
  switch (grammar.kind) {
    case 'json_object':
      return rules.finish(anyObject(rules));
    case 'json_schema':
      return rules.finish(jsonSchemaNode(grammar.schema, rules, ''));
    case 'regex':
      return rules.finish(regexNode(grammar.pattern));
    case 'choice':
      if (grammar.choices.length === 0) invalid('there is nothing to choose from');
      if (grammar.choices.length > MAX_CHOICES) invalid(`there are more than ${MAX_CHOICES} choices`);
      return rules.finish(choice(...grammar.choices.map(text)));
    case 'ebnf':
      return parseEbnf(grammar.text, tokens);
    case 'structural_tag':
      return rules.finish(structuralTagNode(grammar.format, rules, tokens));
  }
}
