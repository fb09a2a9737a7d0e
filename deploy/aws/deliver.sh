#!/bin/sh
# What CodeBuild and GitHub Actions both run: deliver.sh test | push | deploy
# IMAGES is the address of the repository on ECR, as the stack “delivery” tells it; DEPLOY_ARGS are
# further -c name=value of docs/aws.md; TAG is that of the image, or else the commit.
set -eu
cd "$(dirname "$0")/../.."
tag=${TAG:-$(git rev-parse --short=12 HEAD)}

repository() {
    : "${IMAGES:?is not set: give the address that the stack “delivery” tells}"
    echo "${IMAGES#*/}"
}

case "${1:-}" in
test)
    make test
    ;;
push)
    name=$(repository)
    # tags never change: an image that is there was tested and built of this commit
    if aws ecr describe-images --repository-name "$name" --image-ids "imageTag=$tag" >/dev/null 2>&1
    then
        echo "$name:$tag is there already"
        exit 0
    fi
    aws ecr get-login-password | docker login --username AWS --password-stdin "${IMAGES%%/*}"
    docker build --platform linux/arm64 --provenance=false -f deploy/aws/image/Dockerfile \
        -t "$IMAGES:$tag" .
    docker push "$IMAGES:$tag"
    ;;
deploy)
    name=$(repository)
    # nobody is there to be asked; what may be changed is said by the roles
    CDK_REQUIRE_APPROVAL=never make deploy-aws ARGS="-c name=$name -c image=$tag ${DEPLOY_ARGS:-}"
    ;;
*)
    echo "usage: deliver.sh test | push | deploy" >&2
    exit 2
    ;;
esac
