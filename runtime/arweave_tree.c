/* See arweave_tree.h. */
#include "runtime/arweave_tree.h"

#include <stdlib.h>
#include <string.h>

#include "backend/hash/sha256.h"

#define CHUNK_LEAST ((size_t)32 << 10)
enum { HASH = 32, NONE = -1 };

/* Leaves first, then branches, the root last. */
struct node {
    uint8_t hash[HASH], data_hash[HASH]; /* the second of leaves */
    size_t begin, end;
    long left, right; /* NONE: a leaf */
};

struct nodes {
    struct node *node;
    size_t count;
};

static void put_note(uint8_t out[HASH], size_t note)
{
    memset(out, 0, HASH);
    for (int i = 0; i < 8; i++)
        out[HASH - 1 - i] = (uint8_t)((uint64_t)note >> (8 * i));
}

/* out = H(H(a) || H(note)), or with b between. */
static void hash_node(uint8_t out[HASH], const uint8_t *a, const uint8_t *b, size_t note)
{
    uint8_t parts[3 * HASH], bytes[HASH];
    size_t at = 0;
    sha256(parts, a, HASH);
    if (b != NULL)
        sha256(parts + (at += HASH), b, HASH);
    put_note(bytes, note);
    sha256(parts + (at += HASH), bytes, HASH);
    sha256(out, parts, at + HASH);
}

static void add_leaf(struct nodes *nodes, const uint8_t *data, size_t begin, size_t end)
{
    struct node *leaf = &nodes->node[nodes->count++];
    *leaf = (struct node){.begin = begin, .end = end, .left = NONE, .right = NONE};
    sha256(leaf->data_hash, data + begin, end - begin);
    hash_node(leaf->hash, leaf->data_hash, NULL, end);
}

/* Bytes of the next chunk of those left. */
static size_t next_chunk(size_t rest)
{
    if (rest < ARWEAVE_CHUNK_BYTES)
        return rest;
    size_t after = rest - ARWEAVE_CHUNK_BYTES;
    return after > 0 && after < CHUNK_LEAST ? (rest + 1) / 2 : ARWEAVE_CHUNK_BYTES;
}

static void add_leaves(struct nodes *nodes, const uint8_t *data, size_t count)
{
    size_t begin = 0;
    while (count - begin >= ARWEAVE_CHUNK_BYTES) {
        size_t end = begin + next_chunk(count - begin);
        add_leaf(nodes, data, begin, end);
        begin = end;
    }
    add_leaf(nodes, data, begin, count); /* of no bytes, too */
}

/* Joins neighbours, level by level; the last one of an odd level goes up as it is. */
static void add_branches(struct nodes *nodes, long *level)
{
    size_t width = nodes->count;
    for (size_t i = 0; i < width; i++)
        level[i] = (long)i;
    while (width > 1) {
        size_t above = 0;
        for (size_t i = 0; i < width; i += 2, above++) {
            if (i + 1 == width) {
                level[above] = level[i];
                continue;
            }
            const struct node *left = &nodes->node[level[i]], *right = &nodes->node[level[i + 1]];
            struct node *branch = &nodes->node[nodes->count];
            *branch = (struct node){
                .begin = left->end, .end = right->end, .left = level[i], .right = level[i + 1]};
            hash_node(branch->hash, left->hash, right->hash, left->end);
            level[above] = (long)nodes->count++;
        }
        width = above;
    }
}

/* The path to leaf i. A branch keeps in `begin` where its left part ends. */
static void put_path(struct buffer *path, const struct nodes *nodes, long i)
{
    const struct node *leaf = &nodes->node[i], *node = &nodes->node[nodes->count - 1];
    uint8_t note[HASH];
    while (node->left != NONE) {
        buffer_put(path, nodes->node[node->left].hash, HASH);
        buffer_put(path, nodes->node[node->right].hash, HASH);
        put_note(note, node->begin);
        buffer_put(path, note, HASH);
        node = &nodes->node[leaf->end <= node->begin ? node->left : node->right];
    }
    buffer_put(path, leaf->data_hash, HASH);
    put_note(note, leaf->end);
    buffer_put(path, note, HASH);
}

enum status arweave_tree_build(struct arweave_tree *tree, const void *data, size_t count,
                               struct diag *diag)
{
    ASSERT(count > 0);
    size_t most = count / CHUNK_LEAST + 2;
    struct nodes nodes = {.node = malloc(2 * most * sizeof *nodes.node)};
    long *level = malloc(most * sizeof *level);
    enum status status = STATUS_OK;
    memset(tree, 0, sizeof *tree);
    tree->chunk = calloc(most, sizeof *tree->chunk);
    if (nodes.node == NULL || level == NULL || tree->chunk == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the tree over %zu bytes", count);
    if (status == STATUS_OK) {
        add_leaves(&nodes, data, count);
        size_t leaves = nodes.count;
        add_branches(&nodes, level);
        memcpy(tree->root, nodes.node[nodes.count - 1].hash, HASH);
        for (size_t i = 0; i < leaves && status == STATUS_OK; i++) {
            const struct node *leaf = &nodes.node[i];
            struct arweave_chunk *chunk = &tree->chunk[tree->count];
            if (leaf->begin == leaf->end)
                continue;
            *chunk = (struct arweave_chunk){.begin = leaf->begin, .end = leaf->end};
            put_path(&chunk->path, &nodes, (long)i);
            status = buffer_status(&chunk->path, diag);
            tree->count++;
        }
    }
    free(level);
    free(nodes.node);
    if (status != STATUS_OK)
        arweave_tree_release(tree);
    return status;
}

void arweave_tree_release(struct arweave_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        buffer_release(&tree->chunk[i].path);
    free(tree->chunk);
    memset(tree, 0, sizeof *tree);
}
