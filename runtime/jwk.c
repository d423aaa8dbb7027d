/* See jwk.h. */
#include "runtime/jwk.h"

#include <cjson/cJSON.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "backend/hash/sha256.h"
#include "ir/support/file.h"
#include "runtime/base64url.h"

enum { SALT = 32, EXPONENT = 65537 };

/* ORDER jwk_part: the names in the file, those of OpenSSL, how many bytes at most. */
static const struct {
    const char *name, *parameter;
    size_t most;
} parts[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N, JWK_BYTES},
    {"e", OSSL_PKEY_PARAM_RSA_E, 8},
    {"d", OSSL_PKEY_PARAM_RSA_D, JWK_BYTES},
    {"p", OSSL_PKEY_PARAM_RSA_FACTOR1, JWK_BYTES / 2},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2, JWK_BYTES / 2},
    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1, JWK_BYTES / 2},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2, JWK_BYTES / 2},
    {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1, JWK_BYTES / 2},
};
enum { PARTS = sizeof parts / sizeof *parts, PUBLIC_PARTS = 2 };

static enum status malformed(const char *path, const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "'%s' is not a wallet that can be read: %s", path,
                    what);
}

static void wipe(struct buffer *bytes)
{
    if (bytes->data != NULL)
        explicit_bzero(bytes->data, bytes->count);
    buffer_release(bytes);
}

/* A key of OpenSSL from the first `count` parts; null when they are none. */
static EVP_PKEY *make_key(BIGNUM *const number[PARTS], size_t count)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    bool good = builder != NULL && context != NULL;
    for (size_t i = 0; i < count && good; i++)
        good = OSSL_PARAM_BLD_push_BN(builder, parts[i].parameter, number[i]) == 1;
    if (good)
        parameters = OSSL_PARAM_BLD_to_param(builder);
    int selection = count == PUBLIC_PARTS ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
    if (parameters == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, selection, parameters) != 1)
        key = NULL;
    OSSL_PARAM_free(parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* RSA-PSS; salt: a length, or RSA_PSS_SALTLEN_AUTO. */
static bool set_padding(EVP_PKEY_CTX *context, int salt)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) == 1;
}

enum status jwk_sign(uint8_t signature[JWK_BYTES], const struct jwk *jwk, const void *bytes,
                     size_t count, struct diag *diag)
{
    EVP_PKEY_CTX *padding = NULL;
    size_t size = JWK_BYTES;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL &&
                EVP_DigestSignInit(context, &padding, EVP_sha256(), NULL, jwk->key) == 1 &&
                set_padding(padding, SALT) &&
                EVP_DigestSign(context, signature, &size, bytes, count) == 1 && size == JWK_BYTES;
    EVP_MD_CTX_free(context);
    return done ? STATUS_OK : diag_set(diag, STATUS_DEVICE, "OpenSSL does not sign");
}

static bool verify_with(EVP_PKEY *key, const uint8_t signature[JWK_BYTES], const void *bytes,
                        size_t count)
{
    EVP_PKEY_CTX *padding = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && key != NULL &&
                EVP_DigestVerifyInit(context, &padding, EVP_sha256(), NULL, key) == 1 &&
                set_padding(padding, RSA_PSS_SALTLEN_AUTO) &&
                EVP_DigestVerify(context, signature, JWK_BYTES, bytes, count) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

bool jwk_verify(const uint8_t signature[JWK_BYTES], const uint8_t owner[JWK_BYTES],
                const void *bytes, size_t count)
{
    static const uint8_t exponent[3] = {1, 0, 1};
    BIGNUM *number[PARTS] = {BN_bin2bn(owner, JWK_BYTES, NULL),
                             BN_bin2bn(exponent, sizeof exponent, NULL)};
    EVP_PKEY *key = number[0] != NULL && number[1] != NULL ? make_key(number, PUBLIC_PARTS) : NULL;
    bool good = verify_with(key, signature, bytes, count);
    EVP_PKEY_free(key);
    BN_free(number[0]);
    BN_free(number[1]);
    return good;
}

/* Nothing of the private parts stays in memory that is given back. */
static void wipe_json(cJSON *root)
{
    for (cJSON *item = root == NULL ? NULL : root->child; item != NULL; item = item->next) {
        if (cJSON_IsString(item))
            explicit_bzero(item->valuestring, strlen(item->valuestring));
    }
    cJSON_Delete(root);
}

/* The numbers of the file. */
static enum status read_parts(BIGNUM *number[PARTS], struct jwk *jwk, const cJSON *root,
                              const char *path, struct diag *diag)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(root, "kty");
    if (!cJSON_IsString(type) || strcmp(type->valuestring, "RSA") != 0)
        return malformed(path, "it is no JSON web key of kind RSA", diag);
    for (size_t i = 0; i < PARTS; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, parts[i].name);
        struct buffer bytes = {0};
        bool good = cJSON_IsString(item) && base64url_take(&bytes, item->valuestring) &&
                    bytes.count > 0 && bytes.count <= parts[i].most && !bytes.failed;
        if (good && i == 0)
            good = bytes.count == JWK_BYTES && bytes.data[0] >= 0x80;
        if (good && i == 0)
            memcpy(jwk->owner, bytes.data, JWK_BYTES);
        if (good)
            number[i] = BN_bin2bn(bytes.data, (int)bytes.count, NULL);
        wipe(&bytes);
        if (i == 0 && !good)
            return malformed(path, "its modulus n has not 4096 bits", diag);
        if (!good || number[i] == NULL)
            return malformed(path, "its private parts d, p, q, dp, dq, qi are not all there", diag);
    }
    return BN_is_word(number[1], EXPONENT) ? STATUS_OK
                                           : malformed(path, "its exponent e is not 65537", diag);
}

enum status jwk_parse(struct jwk *jwk, const void *text, size_t count, const char *path,
                      struct diag *diag)
{
    BIGNUM *number[PARTS] = {NULL};
    uint8_t digest[32], signature[JWK_BYTES];
    struct buffer address = {0};
    memset(jwk, 0, sizeof *jwk);
    cJSON *root = cJSON_ParseWithLength(text, count);
    enum status status = read_parts(number, jwk, root, path, diag);
    wipe_json(root);
    if (status == STATUS_OK)
        jwk->key = make_key(number, PARTS);
    for (size_t i = 0; i < PARTS; i++)
        BN_clear_free(number[i]);
    struct diag ignored = {0};
    if (status == STATUS_OK &&
        (jwk->key == NULL || jwk_sign(signature, jwk, path, strlen(path), &ignored) != STATUS_OK ||
         !jwk_verify(signature, jwk->owner, path, strlen(path))))
        status = malformed(path, "its parts do not belong together", diag);
    if (status == STATUS_OK) {
        sha256(digest, jwk->owner, JWK_BYTES);
        base64url_put(&address, digest, sizeof digest);
        status = buffer_status(&address, diag);
    }
    if (status == STATUS_OK)
        memcpy(jwk->address, buffer_text(&address), sizeof jwk->address);
    buffer_release(&address);
    if (status != STATUS_OK)
        jwk_close(jwk);
    return status;
}

enum status jwk_open(struct jwk *jwk, const char *path, struct diag *diag)
{
    struct buffer text = {0};
    memset(jwk, 0, sizeof *jwk);
    enum status status = file_read(path, JWK_FILE_BYTES_MAX, &text, diag);
    if (status == STATUS_OK)
        status = jwk_parse(jwk, text.data == NULL ? "" : (const char *)text.data, text.count, path,
                           diag);
    wipe(&text);
    return status;
}

void jwk_close(struct jwk *jwk)
{
    EVP_PKEY_free(jwk->key);
    memset(jwk, 0, sizeof *jwk);
}
