/* Damage is found and named, whoever finds it; points come out of files as they went in. */
#include "backend/commit/point_file.h"

#include "backend/commit/srs.h"
#include "backend/commit/srs_cache.h"
#include "ir/support/large_memory.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Points that settle in memory of their own: not a whole number of blocks, of copied pieces or of
 * huge pages. */
enum { LARGE_COUNT = (8 << 20) / 64 + 16384 + 1234 };
_Static_assert(LARGE_COUNT * sizeof(g1_affine) >= LARGE_MEMORY_BYTES, "settled");

/* Nothing here looks at points: they are any bytes. */
static g1_affine *random_points(size_t count)
{
    g1_affine *point = malloc(count * sizeof *point);
    REQUIRE(point != NULL);
    test_random_bytes(point, count * sizeof *point);
    return point;
}

static void flip_byte(const char *path, size_t at)
{
    FILE *file = fopen(path, "r+b");
    REQUIRE(file != NULL);
    REQUIRE(fseek(file, (long)at, SEEK_SET) == 0);
    int byte = getc(file);
    REQUIRE(byte != EOF && fseek(file, (long)at, SEEK_SET) == 0);
    REQUIRE(putc(byte ^ 1, file) != EOF);
    REQUIRE(fclose(file) == 0);
}

/* Where a point lies in a file. */
static size_t place_of_point(size_t i)
{
    return POINT_FILE_HEAD_BYTES + 64 * i;
}

/* Checks points first .. first + count - 1 of a file; `damaged` is the block that must be named,
 * SIZE_MAX for none. */
static void check_range(const char *path, size_t first, size_t count, size_t damaged,
                        struct machine *machine)
{
    struct point_file file;
    struct diag diag = {0};
    char expected[64];
    snprintf(expected, sizeof expected, "(block %zu)", damaged);
    REQUIRE_OK(point_file_open(&file, path, &diag), &diag);
    enum status status = point_file_check(&file, path, first, count, machine, &diag);
    CHECK_STATUS(status, damaged == SIZE_MAX ? STATUS_OK : STATUS_BAD_INPUT, &diag);
    if (damaged != SIZE_MAX)
        CHECK_MSG(strstr(diag.text, expected) != NULL && strstr(diag.text, path) != NULL,
                  "%s instead of %s, %u threads", diag.text, expected, machine_threads(machine));
    point_file_close(&file);
}

TEST(the_first_damaged_block_is_named_on_any_number_of_threads)
{
    enum { BLOCKS = 100, COUNT = (BLOCKS - 1) * POINT_FILE_BLOCK + 17, CHECKS = 30 };
    /* In the order they are damaged: each is before the others, some beside each other. */
    static const size_t block[] = {99, 98, 83, 51, 50, 47, 33, 32, 31, 17, 3, 0};
    struct diag diag = {0};
    struct machine *machine = machine_new(3);
    const char *path = test_path(test_temp_dir(), "points");
    struct point_file_head head = {.kind = POINT_FILE_LAGRANGE, .levels = 1, .count = COUNT};
    head.tau_g2 = g2_generator;
    g1_affine *point = random_points(COUNT);
    REQUIRE_OK(point_file_write(path, &head, point, &diag), &diag);
    check_range(path, 0, COUNT, SIZE_MAX, NULL);
    check_range(path, 0, COUNT, SIZE_MAX, machine);
    for (size_t k = 0; k < sizeof block / sizeof *block; k++) {
        size_t first = block[k] * POINT_FILE_BLOCK;
        if (k % 3 == 2) /* its checksum */
            flip_byte(path, place_of_point(COUNT) + 8 * block[k] + test_random_below(8));
        else
            flip_byte(path, place_of_point(first) +
                                test_random_below(block[k] == BLOCKS - 1 ? 64 * 17 : 65536));
        check_range(path, 0, COUNT, block[k], NULL);
        for (unsigned i = 0; i < CHECKS; i++)
            check_range(path, 0, COUNT, block[k], machine);
        for (int threads = 0; threads < 2; threads++) {
            struct machine *on = threads == 0 ? NULL : machine;
            check_range(path, 0, 0, SIZE_MAX, on);
            check_range(path, first, COUNT - first, block[k], on);
            check_range(path, first + POINT_FILE_BLOCK / 2, 1, block[k], on);
            if (k > 0) /* what is not asked for is not looked at */
                check_range(path, (block[k] + 1) * POINT_FILE_BLOCK,
                            COUNT - (block[k] + 1) * POINT_FILE_BLOCK, block[k - 1], on);
            check_range(path, 0, first, SIZE_MAX, on);
            check_range(path, 0, first + 1, block[k], on);
        }
    }
    free(point);
    machine_free(machine);
}

static void store(const struct point_file_head *head, const g1_affine *point)
{
    REQUIRE(srs_cache_store(head, point));
}

/* The head of cached points of an SRS; other numbers are the caller's. */
static struct point_file_head head_of(const struct srs *srs, enum point_file_kind kind)
{
    struct point_file_head head = {
        .kind = kind, .origin = (uint32_t)srs->origin, .levels = 1, .tau_g2 = srs->tau_g2};
    memcpy(head.digest, srs->digest, sizeof head.digest);
    return head;
}

static void fresh_cache(void)
{
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
}

TEST(large_files_of_powers_settle_as_they_are)
{
    struct machine *machine = machine_new(3);
    struct diag diag = {0};
    struct srs srs;
    fresh_cache();
    REQUIRE_OK(srs_open_development(&srs, 2, NULL, &diag), &diag);
    struct point_file_head head = head_of(&srs, POINT_FILE_POWERS);
    srs_release(&srs);
    g1_affine *point = random_points(LARGE_COUNT);
    head.count = LARGE_COUNT;
    store(&head, point);
    for (int threads = 0; threads < 2; threads++) {
        struct machine *on = threads == 0 ? NULL : machine;
        for (size_t less = 0; less < 2; less++) {
            size_t count = LARGE_COUNT - 1000 * less;
            REQUIRE_OK(srs_open_development(&srs, count, on, &diag), &diag);
            CHECK(srs.points.owned != NULL && srs.points.file.point == NULL);
            CHECK(srs.powers.point == srs.points.owned && srs.powers.count == count);
            CHECK(memcmp(srs.powers.point, point, count * sizeof *point) == 0);
            srs_release(&srs);
        }
        /* Few of them stay in the file. */
        REQUIRE_OK(srs_open_development(&srs, 1000, on, &diag), &diag);
        CHECK(srs.points.owned == NULL && srs.powers.point == srs.points.file.point);
        CHECK(memcmp(srs.powers.point, point, 1000 * sizeof *point) == 0);
        srs_release(&srs);
    }
    free(point);
    machine_free(machine);
}

TEST(large_lagrange_files_and_tables_settle_as_they_are)
{
    enum { LG_ROWS = 15, ARITY = 5, COUNT = ARITY << LG_ROWS };
    struct machine *machine = machine_new(3);
    struct diag diag = {0};
    struct srs srs;
    struct srs_lagrange bases;
    fresh_cache();
    REQUIRE_OK(srs_open_development(&srs, 2, NULL, &diag), &diag);
    srs.powers.count = COUNT; /* that it has them all; nothing reads them */
    struct point_file_head head = head_of(&srs, POINT_FILE_LAGRANGE);
    head.lg_rows = LG_ROWS;
    head.arity = ARITY;
    head.count = COUNT;
    g1_affine *point = random_points(COUNT);
    store(&head, point);

    struct msm_bases shape = {.count = COUNT};
    msm_choose_table(&shape, COUNT, 3);
    REQUIRE(shape.levels > 1);
    struct point_file_head table_head = head;
    table_head.count = (uint64_t)COUNT * shape.levels;
    table_head.levels = shape.levels;
    table_head.shift_bits = shape.shift_bits;
    table_head.window_bits = shape.window_bits;
    g1_affine *table = random_points(table_head.count);
    store(&table_head, table);

    for (int threads = 0; threads < 2; threads++) {
        struct machine *on = threads == 0 ? NULL : machine;
        REQUIRE_OK(srs_lagrange_open(&bases, &srs, LG_ROWS, ARITY, on, &diag), &diag);
        CHECK(bases.points.owned != NULL && bases.points.file.point == NULL);
        CHECK(bases.bases.point == bases.points.owned && bases.bases.count == COUNT);
        CHECK(memcmp(bases.bases.point, point, COUNT * sizeof *point) == 0);
        srs_lagrange_use_table(&bases, &srs, 3 * COUNT * sizeof *point, on);
        REQUIRE(bases.bases.levels == shape.levels && bases.bases.point == bases.points.owned);
        CHECK(bases.points.file.point == NULL);
        CHECK(memcmp(bases.bases.point, table, table_head.count * sizeof *table) == 0);
        srs_lagrange_release(&bases);
    }

    /* A damaged one is not taken, whatever block it is that is damaged. */
    char *path = srs_cache_path(&head, false);
    REQUIRE(path != NULL);
    flip_byte(path, place_of_point(COUNT) - 1);
    struct point_file file;
    CHECK(!srs_cache_open(&file, &head, COUNT, NULL));
    CHECK(!srs_cache_open(&file, &head, COUNT, machine));
    CHECK(srs_cache_open(&file, &head, COUNT - POINT_FILE_BLOCK, machine));
    point_file_close(&file);
    free(path);
    free(table);
    free(point);
    srs_release(&srs);
    machine_free(machine);
}
